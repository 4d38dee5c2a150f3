//! People on a real network with clients that are not ours, and the program as operators run it:
//! from the wish to the picture behind a link.
use crate::{
    house::simulator,
    irc_scene::{BOT, ROOM, keys},
};
use inkwire_testkit::{
    Service, Wiring,
    irc::{Client, Inspircd, Ngircd, Options, Person, Weechat},
    web,
};

#[tokio::test]
async fn somebody_with_weechat_gets_a_picture() {
    let Some(server) = Inspircd::start(Options::default()).await.unwrap() else { return };
    let ann = Weechat::join(server.port, "ann", ROOM, &[BOT]).await.unwrap();
    let Some(mut ann) = ann else { return };
    let simulator = simulator().await;
    let keys = format!(
        "name: test\nserver: 127.0.0.1:{}\nca_file: {}\nnick: {BOT}\nchannels: ['{ROOM}']",
        server.tls_port,
        server.certificate.file.display(),
    );
    let wiring = Wiring {
        binary: env!("CARGO_BIN_EXE_inkwire").into(),
        engines: vec![simulator.url()],
        networks: vec![keys],
        ..Wiring::default()
    };
    let mut service = Service::start(wiring).await.unwrap();
    ann.sees(&format!("{BOT} ")).await.unwrap();

    simulator.faults().hold();
    ann.say("!imagine a red fox --seed 42").await.unwrap();
    let queued = ann.hears(BOT).await.unwrap();
    let (job, rest) = queued.strip_prefix("ann: ").unwrap().split_once(' ').unwrap();
    assert!(rest.starts_with("queued, ") && rest.contains("seed 42"), "{queued}");
    simulator.faults().release();
    let done = ann.hears(BOT).await.unwrap();
    assert!(done.starts_with(&format!("ann: {job} done in ")), "{done}");
    let link = done.rsplit(' ').next().unwrap();
    let page = web::get(link).await.unwrap();
    assert!(page.status == 200 && page.text().contains("a red fox"), "{}", page.text());
    let file = web::get(&format!("{link}.webp")).await.unwrap();
    assert_eq!((file.status, file.header("content-type")), (200, "image/webp"));

    // In a window of their own, where nobody else reads it.
    ann.say(&format!("/msg {BOT} help")).await.unwrap();
    let help = ann.sees("PROMPT").await.unwrap();
    assert_ne!(help.window, ROOM, "{help:?}");
    assert!(service.stop().await.unwrap().success());
}

/// Two networks that know nothing of each other, and one queue.
#[tokio::test]
async fn people_of_two_networks_share_one_service() {
    let Some(mut one) = Inspircd::start(Options::default()).await.unwrap() else { return };
    let Some(two) = Ngircd::start().await.unwrap() else { return };
    let mut ann = Client::join(one.port, "ann", ROOM).await.unwrap();
    let mut bob = Person::join(two.port, "bob", ROOM).await.unwrap();
    let simulator = simulator().await;
    let pace = "flood: { enabled: false }";
    let wiring = Wiring {
        binary: env!("CARGO_BIN_EXE_inkwire").into(),
        engines: vec![simulator.url()],
        networks: vec![keys("one", one.port, pace), keys("two", two.port, pace)],
        ..Wiring::default()
    };
    let mut service = Service::start(wiring).await.unwrap();
    ann.sees(" JOIN :").await.unwrap();
    bob.sees("JOIN").await.unwrap();
    simulator.faults().hold();
    ann.say(ROOM, "!imagine a red fox --size 64x64").await.unwrap();
    assert!(ann.hears(BOT, ROOM).await.unwrap().contains(" queued"));
    bob.say("!imagine a grey hare --size 64x64").await.unwrap();
    let queued = bob.hears(BOT).await.unwrap();
    assert!(queued.starts_with("bob: ") && queued.contains(" queued"), "{queued}");
    // One network falls silent, and the other is served on.
    one.kill().await.unwrap();
    simulator.faults().release();
    let done = bob.hears(BOT).await.unwrap();
    assert!(done.starts_with("bob: ") && done.contains(" done in "), "{done}");
    one.restart().await.unwrap();
    let mut ann = Client::join(one.port, "ann", ROOM).await.unwrap();
    let done = ann.hears(BOT, ROOM).await.unwrap();
    assert!(done.starts_with("ann: ") && done.contains(" done in "), "{done}");
    assert!(service.stop().await.unwrap().success());
}
