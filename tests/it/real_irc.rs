//! The whole ring on a real IRC server: somebody whose client is not ours asks in a room, and
//! gets a link that opens the picture. Engine: the simulator; everything else is the real thing.
#![allow(clippy::indexing_slicing, reason = "a test fails loudly")]

use inkwire::simulator::{Options, Simulator};
use inkwire_testkit::{
    Service, Wiring,
    irc::{Ngircd, Person},
    web,
};

const ROOM: &str = "#art";

/// The service in a room with one person.
struct Scene {
    simulator: Simulator,
    service: Service,
    ann: Person,
    _server: Ngircd,
}

impl Scene {
    /// `None` where there is no IRC server, which was said aloud.
    async fn open() -> Option<Self> {
        let server = Ngircd::start().await.unwrap()?;
        let simulator = Simulator::start(Options::default()).await.unwrap();
        let mut ann = Person::join(server.port, "ann", ROOM).await.unwrap();
        let wiring = Wiring {
            binary: env!("CARGO_BIN_EXE_inkwire").into(),
            engines: vec![simulator.url()],
            irc: Some((server.port, vec![ROOM.to_owned()])),
            ..Wiring::default()
        };
        let service = Service::start(wiring).await.unwrap();
        ann.sees("JOIN").await.unwrap();
        Some(Self { simulator, service, ann, _server: server })
    }

    async fn say(&mut self, text: &str) {
        self.ann.say(text).await.unwrap();
    }

    /// The next line of the service, without the nick that it speaks to.
    async fn answer(&mut self) -> String {
        let line = self.ann.hears("inkwire").await.unwrap();
        line.strip_prefix("ann: ").expect("it speaks to who asked").to_owned()
    }

    async fn ask(&mut self, text: &str) -> String {
        self.say(text).await;
        self.answer().await
    }

    /// The id of a job that was queued, and waits for `paint`.
    async fn queue(&mut self, text: &str) -> String {
        self.simulator.faults().hold();
        let queued = self.ask(text).await;
        let (job, rest) = queued.split_once(' ').unwrap();
        assert!(rest.starts_with("queued, ") && rest.contains("seed "), "{queued}");
        job.to_owned()
    }

    /// The link in the next line, which is its last word.
    async fn paint(&mut self, job: &str) -> String {
        self.simulator.faults().release();
        let done = self.answer().await;
        assert!(done.starts_with(&format!("{job} done in ")), "{done}");
        let link = done.rsplit(' ').next().unwrap();
        assert!(link.starts_with(&format!("{}/i/", self.service.public_url)), "{done}");
        link.to_owned()
    }
}

#[tokio::test]
async fn a_line_in_a_room_becomes_a_link_that_opens_the_picture() {
    let Some(mut scene) = Scene::open().await else { return };
    let job = scene.queue("!imagine a red fox --count 2").await;
    let link = scene.paint(&job).await;

    let page = web::get(&link).await.unwrap();
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    let image = format!("<meta property=\"og:image\" content=\"{link}.webp\">");
    assert!(page.text().contains(&image) && page.text().contains("a red fox"), "{}", page.text());

    let file = web::get(&format!("{link}.webp")).await.unwrap();
    assert_eq!((file.status, file.header("content-type")), (200, "image/webp"));
    assert_eq!(file.header("content-length"), file.body.len().to_string());
    assert_eq!(web::request("HEAD", &format!("{link}.webp")).await.unwrap().headers, file.headers);
    two_cells(&file.body);

    assert_eq!(scene.ask(&format!("!delete {job}")).await, format!("{job} was taken back"));
    let never = format!("{}/i/{}", scene.service.public_url, "0".repeat(22));
    let (gone, never) = (web::get(&link).await.unwrap(), web::get(&never).await.unwrap());
    assert_eq!((gone.status, &gone.body), (404, &never.body));
    assert!(scene.service.stop().await.unwrap().success());
}

#[tokio::test]
async fn people_follow_repeat_and_stop_what_they_asked_for() {
    let Some(mut scene) = Scene::open().await else { return };
    let first = scene.queue("!imagine a tall ship --seed 7 --size 256x256").await;
    let queue = scene.ask("!queue").await;
    assert!(queue.starts_with("1 running, 0 waiting, 1 of 1 engines up"), "{queue}");
    assert!(queue.contains(&format!("{first} (yours)")), "{queue}");
    scene.paint(&first).await;

    let info = scene.ask(&format!("!info {first}")).await;
    assert!(info.starts_with(&format!("{first} finished: a tall ship")), "{info}");
    assert!(info.contains("seed 7"), "{info}");

    let again = scene.queue("!again").await;
    assert_ne!(again, first, "a job of its own");
    scene.paint(&again).await;

    let slow = scene.queue("!imagine a slow boat").await;
    assert_eq!(scene.ask("!cancel").await, format!("{slow} was cancelled"));
    assert!(scene.service.stop().await.unwrap().success());
}

#[tokio::test]
async fn only_what_is_meant_for_it_is_answered() {
    let Some(mut scene) = Scene::open().await else { return };
    scene.say("!frobnicate the widgets").await;
    scene.say("what a nice day, inkwire").await;
    let help = scene.ask("!help").await;
    assert!(
        help.starts_with("!imagine, !cancel, ") && help.ends_with("more: /msg inkwire help"),
        "{help}"
    );
    let topic = scene.ask("!help cancel").await;
    assert!(topic.starts_with("!cancel"), "{topic}");
    let hint = scene.ask("inkwire: imagin a red fox").await;
    assert_eq!(hint, "I do not know \"imagin\"; did you mean imagine?");
    let refused = scene.ask("!imagine a fox --count 9").await;
    assert!(refused.contains("a whole number from 1 to 4"), "{refused}");
    assert_eq!(scene.simulator.log().count("POST /prompt"), 0);
    assert!(scene.service.stop().await.unwrap().success());
}

#[tokio::test]
async fn a_hostile_prompt_puts_no_line_of_its_own_into_the_room() {
    let Some(mut scene) = Scene::open().await else { return };
    let deep = format!("!imagine {}a fox{}", "(".repeat(400), ")".repeat(60));
    for hostile in [
        "!imagine \u{2}\u{3}04,01red\u{f} \u{16}fox\u{1}VERSION\u{1} --size 64x64",
        "!imagine fox\u{85}QUIT :gone\u{2028}PRIVMSG #art :hello --size 64x64",
        "!imagine \u{202e}xof\u{2066} \u{200b}\u{feff}fox --size 64x64",
        "!imagine fox\\r\\nQUIT :bye %s %n ${x} --size 64x64",
        &deep,
        "!imagine (fox:nan) (boat:inf) --size 64x64",
        "!imagine fox --model \u{3}04../../etc/passwd\u{2029}",
        "inkwire: \u{2}quit\u{2} :now",
    ] {
        scene.say(hostile).await;
        let mut said = vec![scene.answer().await];
        if said[0].contains(" queued, ") {
            said.push(scene.answer().await);
        }
        for line in said {
            let tame = |c: char| !c.is_control() && !"\u{202e}\u{2066}\u{2028}\u{2029}".contains(c);
            assert!(line.chars().all(tame), "{line:?}");
        }
    }
    let after = scene.ask("!me").await;
    assert!(after.starts_with("ann: 0 of "), "it is still there, and nothing is left: {after}");
    assert!(scene.service.stop().await.unwrap().success());
}

/// Two different pictures beside each other.
fn two_cells(file: &[u8]) {
    let reader =
        image::ImageReader::with_format(std::io::Cursor::new(file), image::ImageFormat::WebP);
    let picture = reader.decode().unwrap().to_rgb8();
    let (width, height) = picture.dimensions();
    assert!(width >= 2 * height, "{width}x{height}");
    let cell = |left| image::imageops::crop_imm(&picture, left, 0, height, height).to_image();
    assert!(cell(0) != cell(width - height), "each cell is a picture of its own");
}
