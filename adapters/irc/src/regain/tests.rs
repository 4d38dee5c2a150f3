//! Getting the wanted nick back: when it is tried, and how often.
use super::*;
use crate::words::message;
use proptest::prelude::*;

struct Scene {
    me: Identity,
    regain: Regain,
}

impl Scene {
    /// We wanted `ink`, and are `ink_`.
    fn new(supported: &str) -> Self {
        let config = Config { nick: "ink".into(), ..Config::default() };
        let mut scene = Self { me: Identity::new("ink_"), regain: Regain::new(&config) };
        scene.hears(&format!(":s 005 ink_ {supported} :are supported"));
        scene
    }

    fn hears(&mut self, line: &str) -> Option<String> {
        let message = message(line).unwrap();
        self.me.learn(&message);
        self.regain.take(&self.me, &message).as_ref().map(text)
    }

    fn says(&mut self) -> Vec<String> {
        self.regain.say(&self.me, Instant::now()).iter().map(text).collect()
    }

    /// Waits until something is due, and says it.
    async fn next(&mut self) -> (u64, Vec<String>) {
        let wait = self.regain.due(&self.me).unwrap().duration_since(Instant::now());
        tokio::time::advance(wait).await;
        (wait.as_secs(), self.says())
    }
}

fn text(line: &IrcLine) -> String {
    String::from_utf8_lossy(line.as_bytes()).trim_end().to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_watched_nick_is_taken_when_it_is_free() {
    let mut scene = Scene::new("MONITOR=100");
    assert_eq!(scene.next().await, (5, vec!["MONITOR + ink".into()]));
    scene.hears(":s 730 ink_ :Ink!a@h");
    assert_eq!(scene.regain.due(&scene.me), None);
    scene.hears(":s 731 ink_ :other,INK");
    assert_eq!(scene.next().await, (0, vec!["NICK ink".into()]));
    assert_eq!(scene.hears(":ink_!i@h NICK ink").as_deref(), Some("MONITOR - ink"));
    assert_eq!(scene.regain.due(&scene.me), None);
}

#[tokio::test(start_paused = true)]
async fn without_monitor_the_server_is_asked_every_minute() {
    let mut scene = Scene::new("NICKLEN=9");
    assert_eq!(scene.next().await, (5, vec!["ISON ink".into()]));
    scene.hears(":s 303 ink_ :Ink ");
    assert_eq!(scene.next().await, (60, vec!["ISON ink".into()]));
    scene.hears(":s 303 ink_ :");
    assert_eq!(scene.next().await, (0, vec!["NICK ink".into()]));
    assert_eq!(scene.hears(":ink_!i@h NICK ink"), None);
}

#[tokio::test(start_paused = true)]
async fn a_full_list_means_asking() {
    let mut scene = Scene::new("MONITOR=1");
    scene.next().await;
    scene.hears(":s 734 ink_ 1 ink :Monitor list is full");
    assert_eq!(scene.next().await, (0, vec!["ISON ink".into()]));
}

#[tokio::test(start_paused = true)]
async fn the_holder_leaving_is_a_chance() {
    for line in [":INK!a@h QUIT :bye", ":ink!a@h NICK other"] {
        let mut scene = Scene::new("MONITOR");
        scene.next().await;
        scene.hears(line);
        assert_eq!(scene.next().await, (0, vec!["NICK ink".into()]), "{line}");
    }
}

#[tokio::test(start_paused = true)]
async fn failures_are_harmless_and_followed_by_longer_waits() {
    let mut scene = Scene::new("MONITOR");
    scene.next().await;
    scene.hears(":s 731 ink_ :ink");
    for wait in [0, 5, 10, 20, 40, 80, 160, 320, 600, 600] {
        assert_eq!(scene.next().await, (wait, vec!["NICK ink".into()]));
        scene.hears(":s 437 ink_ ink :Nick/channel is temporarily unavailable");
    }
    scene.hears(":s 433 ink_ ink :Nickname is already in use");
    assert_eq!((scene.regain.due(&scene.me), scene.me.nick.as_str()), (None, "ink_"));
}

#[tokio::test(start_paused = true)]
async fn services_are_asked_where_they_know_us() {
    let mut scene = Scene::new("MONITOR");
    scene.hears(":s 900 ink_ ink_!i@h painter :You are now logged in as painter");
    let regain = "PRIVMSG NickServ :REGAIN ink".to_owned();
    assert_eq!(scene.next().await, (5, vec![regain.clone(), "MONITOR + ink".into()]));
    for wait in [60, 120, 240, 480, 960, 1920, 3600, 3600] {
        assert_eq!(scene.next().await, (wait, vec![regain.clone()]));
    }
    scene.hears(":s 401 ink_ NickServ :No such nick");
    assert_eq!(scene.regain.due(&scene.me), None);
}

#[tokio::test(start_paused = true)]
async fn a_nick_that_is_taken_from_us_at_once_is_pressed_less_and_less() {
    let mut scene = Scene::new("MONITOR");
    for expected in [5, 5, 10, 20, 40, 80] {
        let lost = Instant::now();
        while scene.next().await.1 != ["NICK ink"] {
            scene.hears(":s 731 ink_ :ink");
        }
        assert_eq!(lost.elapsed().as_secs(), expected);
        scene.hears(":ink_!i@h NICK ink");
        scene.hears(":ink!i@h NICK ink_");
    }
}

#[tokio::test(start_paused = true)]
async fn a_uid_in_place_of_our_nick_is_a_loss_too() {
    let mut scene = Scene::new("MONITOR");
    scene.hears(":ink_!i@h NICK ink");
    assert_eq!(scene.regain.due(&scene.me), None);
    tokio::time::advance(KEPT).await;
    scene.hears(":ink NICK :00BAAAAAA");
    assert_eq!(scene.me.nick, "00BAAAAAA");
    assert_eq!(scene.next().await, (5, vec!["MONITOR + ink".into()]));
}

#[tokio::test(start_paused = true)]
async fn a_nick_that_the_server_cut_short_is_ours() {
    let config = Config { nick: "inkwire-painter".into(), ..Config::default() };
    let mut scene = Scene { me: Identity::new("inkwire-p"), regain: Regain::new(&config) };
    assert!(scene.regain.due(&scene.me).is_some());
    scene.hears(":s 005 inkwire-p NICKLEN=9 :are supported");
    assert_eq!(scene.regain.due(&scene.me), None);
}

#[tokio::test(start_paused = true)]
async fn who_does_not_want_it_back_says_nothing() {
    let config = Config { nick: "ink".into(), regain: false, ..Config::default() };
    let mut scene = Scene { me: Identity::new("ink_"), regain: Regain::new(&config) };
    scene.hears(":ink!a@h QUIT :bye");
    assert_eq!(scene.regain.due(&scene.me), None);
    tokio::time::advance(SETTLE).await;
    assert_eq!(scene.says(), [""; 0]);
}

/// Whatever happens, and however fast.
async fn press(events: &[(usize, u64)]) {
    const EVENTS: &[&str] = &[
        ":s 731 x :ink",
        ":s 730 x :ink!a@h",
        ":s 734 x 1 ink :Monitor list is full",
        ":s 303 x :",
        ":s 433 x ink :Nickname is already in use",
        ":ink!a@h QUIT :bye",
        ":ink_!i@h NICK ink",
        ":ink!i@h NICK ink_",
        ":s 005 x -MONITOR :are supported",
        ":s 900 x x!i@h painter :You are now logged in",
    ];
    let mut scene = Scene::new("MONITOR");
    let mut last = std::collections::HashMap::<String, Instant>::new();
    for (event, wait) in events {
        scene.hears(EVENTS.get(*event).unwrap());
        tokio::time::advance(Duration::from_secs(*wait)).await;
        for line in scene.says() {
            let verb = line.split(' ').next().unwrap().to_owned();
            let apart = if verb == "PRIVMSG" { 60 } else { 5 };
            let before = last.insert(verb, Instant::now());
            assert!(before.is_none_or(|at| at.elapsed().as_secs() >= apart), "{line}");
        }
        assert!(scene.regain.due(&scene.me).is_none_or(|due| due > Instant::now()));
    }
}

proptest! {
    #[test]
    fn there_is_no_tight_loop(events in prop::collection::vec((0..10usize, 0..90u64), 1..60)) {
        let paused = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        paused.unwrap().block_on(press(&events));
    }
}
