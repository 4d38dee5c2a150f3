//! Who somebody is, on a network with services: accounts count, and nothing that can be borrowed.
use crate::{
    admin::admin_of,
    irc_scene::{BOT, PASSWORD, ROOM, Scene, config, ends, irc, services},
};
use inkwire_core::AdapterError;
use inkwire_irc::{Config, OnFailure, Sasl, Timeouts};
use inkwire_testkit::irc::{Client, Inspircd, Options};

/// What each of them tries; its effect lasts and is easy to see.
const ORDER: &str = "!admin pause";
const BOSS: (&str, &str) = ("boss", PASSWORD);

async fn open(server: &Inspircd) -> Scene {
    let admin = admin_of("irc.test", "boss");
    Scene::with(server, config(server.port), |setup| setup.policy.access = admin).await
}

async fn impostor(scene: &mut Scene, who: &mut Client, what: &str) {
    who.say(ROOM, ORDER).await.unwrap();
    who.so_far().await.unwrap();
    assert!(!scene.is_paused().await, "{what} is obeyed");
}

async fn obeyed(scene: &mut Scene, who: &mut Client, order: &str) {
    who.say(ROOM, order).await.unwrap();
    let told = format!("{}: ", who.nick);
    while !who.hears(BOT, ROOM).await.unwrap().starts_with(&told) {}
    assert_eq!(scene.is_paused().await, order == ORDER, "{} is not obeyed", who.nick);
}

#[tokio::test]
async fn an_admin_is_an_account_and_nothing_else() {
    let Some(server) = Inspircd::start(Options::default()).await.unwrap() else { return };
    let Some(_services) = services(&server, &["boss", "eve"]).await else { return };
    let mut scene = open(&server).await;
    let mut operator = Client::operator(server.port, "network").await.unwrap();

    let mut eve = Client::log_in(server.port, "boss_", ("eve", PASSWORD), ROOM).await.unwrap();
    impostor(&mut scene, &mut eve, "a nick that looks like it").await;
    eve.send("NICK boss").await.unwrap();
    impostor(&mut scene, &mut eve, "the nick, with another account").await;
    eve.send("NICK BOSS").await.unwrap();
    impostor(&mut scene, &mut eve, "the nick in another case").await;
    eve.say("NickServ", "LOGOUT").await.unwrap();
    eve.sees(" 901 ").await.unwrap();
    impostor(&mut scene, &mut eve, "the nick, logged out").await;
    operator.send(&format!("SAMODE {ROOM} +o BOSS")).await.unwrap();
    eve.sees(" +o ").await.unwrap();
    impostor(&mut scene, &mut eve, "an operator of the room").await;
    operator.send("CHGHOST BOSS boss.users.test").await.unwrap();
    impostor(&mut scene, &mut eve, "the host of an account").await;
    operator.enter(ROOM).await.unwrap();
    impostor(&mut scene, &mut operator, "an operator of the network").await;
    operator.send(&format!("@account=boss PRIVMSG {ROOM} :{ORDER}")).await.unwrap();
    operator.send(&format!("@+account=boss PRIVMSG {ROOM} :{ORDER}")).await.unwrap();
    impostor(&mut scene, &mut operator, "a tag of a client").await;

    eve.send("NICK eve").await.unwrap();
    let mut boss = Client::log_in(server.port, "anybody", BOSS, ROOM).await.unwrap();
    boss.say(ROOM, ORDER).await.unwrap();
    boss.so_far().await.unwrap();
    assert!(scene.is_paused().await, "the admin is obeyed under any nick");
    boss.say(ROOM, "!admin resume").await.unwrap();
    boss.so_far().await.unwrap();
    assert!(!scene.is_paused().await);
    boss.say("NickServ", "LOGOUT").await.unwrap();
    boss.sees(" 901 ").await.unwrap();
    impostor(&mut scene, &mut boss, "the admin, logged out").await;
    scene.close().await;
}

/// Servers that do not name accounts with each line can still be asked.
#[tokio::test]
async fn an_admin_is_known_where_lines_name_no_account() {
    for without in [&["ircv3_accounttag"][..], &["ircv3_accounttag", "ircv3"]] {
        let options = Options { without, ..Options::default() };
        let Some(server) = Inspircd::start(options).await.unwrap() else { return };
        let Some(_services) = services(&server, &["boss", "eve"]).await else { return };
        let mut before = Client::log_in(server.port, "before", BOSS, ROOM).await.unwrap();
        let mut scene = open(&server).await;
        let mut eve = Client::log_in(server.port, "boss", ("eve", PASSWORD), ROOM).await.unwrap();
        impostor(&mut scene, &mut eve, "the nick, with another account").await;
        let mut after = Client::log_in(server.port, "after", BOSS, ROOM).await.unwrap();
        obeyed(&mut scene, &mut before, ORDER).await;
        obeyed(&mut scene, &mut after, "!admin resume").await;
        obeyed(&mut scene, &mut after, ORDER).await;
        after.say("NickServ", "LOGOUT").await.unwrap();
        after.sees(" 901 ").await.unwrap();
        after.say(ROOM, "!admin resume").await.unwrap();
        after.so_far().await.unwrap();
        assert!(scene.is_paused().await, "who logged out is obeyed: {without:?}");
        scene.close().await;
    }
}

fn account(password: &str) -> Sasl {
    Sasl { account: BOT.into(), password: Some(password.into()), ..Sasl::default() }
}

/// As whom the services know it, or nothing.
async fn account_of(wit: &mut Client) -> Option<String> {
    wit.send(&format!("WHOIS {BOT}")).await.unwrap();
    let line = wit.sees_either(&[" 330 ", " 318 "]).await.unwrap();
    let name = line.split(" 330 ").nth(1)?.split(' ').nth(2)?;
    Some(name.to_owned())
}

#[tokio::test]
async fn it_logs_in_before_it_comes_into_a_room() {
    let Some(server) = Inspircd::start(Options::default()).await.unwrap() else { return };
    let Some(_services) = services(&server, &[BOT]).await else { return };
    let config = Config { sasl: Some(account(PASSWORD)), ..config(server.port) };
    let mut scene = Scene::with(&server, config.clone(), |_| {}).await;
    assert_eq!(account_of(&mut scene.wit).await.as_deref(), Some(BOT));
    scene.close().await;

    let wrong = Config { sasl: Some(account("wrong")), ..config };
    let refused = ends(&irc(wrong)).await;
    assert!(matches!(&refused, AdapterError::Unauthorized(_)), "{refused:?}");
    assert!(!refused.to_string().contains("wrong"), "{refused}");
}

#[tokio::test]
async fn services_that_do_not_answer_hold_nobody_up() {
    let Some(server) = Inspircd::start(Options::default()).await.unwrap() else { return };
    let Some(mut services) = services(&server, &[BOT]).await else { return };
    let timeouts = Timeouts { sasl_secs: 1, ..Timeouts::default() };
    let config = Config { sasl: Some(account(PASSWORD)), timeouts, ..config(server.port) };
    services.stop().unwrap();
    let stuck = ends(&irc(config.clone())).await;
    assert!(stuck.to_string().contains("login"), "{stuck}");

    services.cont().unwrap();
    services.kill(&server).await.unwrap();
    let absent = ends(&irc(config)).await;
    assert!(absent.to_string().contains("login"), "{absent}");
}

/// This server never says that logins are offered again: it takes a new connection to learn it.
#[tokio::test]
async fn a_login_that_is_withdrawn_harms_nobody() {
    let Some(server) = Inspircd::start(Options::default()).await.unwrap() else { return };
    let Some(mut services) = services(&server, &[BOT]).await else { return };
    let sasl = Sasl { on_failure: OnFailure::Continue, ..account(PASSWORD) };
    let config = Config { sasl: Some(sasl), ..config(server.port) };
    let mut scene = Scene::with(&server, config, |_| {}).await;
    assert_eq!(account_of(&mut scene.wit).await.as_deref(), Some(BOT));
    services.kill(&server).await.unwrap();
    let mut operator = Client::operator(server.port, "network").await.unwrap();
    operator.send("UNLOADMODULE m_sasl.so").await.unwrap();
    operator.sees(" 973 ").await.unwrap();
    scene.told().await;
    operator.send(&format!("KILL {BOT} :why not")).await.unwrap();
    scene.wit.sees(&format!("JOIN :{ROOM}")).await.unwrap();
    assert_eq!(account_of(&mut scene.wit).await, None, "it goes on without");
    scene.told().await;
    scene.close().await;
}
