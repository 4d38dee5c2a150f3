//! Registrations with servers that say anything at all: none hangs, none ends without a reason.
use super::welcomed;
use crate::Config;
use inkwire_core::AdapterError;
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::Instant,
};

/// How it ends with a server that says this and, if it hangs up, no more.
async fn meet(said: &[u8], hangs_up: bool) -> Result<(), AdapterError> {
    let (ours, mut theirs) = tokio::io::duplex(64 * 1024);
    let said = said.to_vec();
    let server = tokio::spawn(async move {
        // A client that has left already hears nothing more, which is as well.
        theirs.write_all(&said).await.ok();
        if !hangs_up {
            theirs.read_to_end(&mut vec![]).await.ok();
        }
    });
    let ended = welcomed(&Config::default(), Box::new(ours)).await.map(|_| ());
    server.abort();
    ended
}

async fn check(said: &[u8], expected: &str) {
    let error = meet(said, true).await.unwrap_err().to_string();
    assert_eq!(error, expected, "{}", said.escape_ascii());
}

#[tokio::test]
async fn noise_before_the_welcome_is_no_reason_to_leave() {
    let welcome = b"\r\n:s 001 inkwire :Hi\r\n".as_slice();
    for noise in [
        b"".to_vec(),
        vec![b'x'; 1024 * 1024],
        b"\r\r\r\n\n\n\0\0\n".to_vec(),
        b"\xff\xfe\xfd :\xc3\x28\r\n:\r\n@\r\n@a :b\r\nCAP\r\nCAP * LS\r\n903\r\nAUTHENTICATE"
            .to_vec(),
        b":s NOTICE * :*** Looking up your host\r\nPING :1\r\n:s 439 * :Wait".to_vec(),
        b":s CAP * LS :=x = ,, sts sasl= a=b=c\r\n:s CAP * NAK :\r\n:s CAP * ACK :-".to_vec(),
    ] {
        let met = meet(&[&noise, welcome].concat(), false).await;
        assert!(met.is_ok(), "{met:?} {}", noise.get(..99).unwrap_or(&noise).escape_ascii());
    }
}

#[tokio::test]
async fn each_end_has_its_reason() {
    let silent = "connection lost: the server hung up without a word; \
                  if this port is for TLS, set tls: true";
    check(b"", silent).await;
    check(b"\x15\x03\x03\x00\x02\x02\x46", silent).await;
    check(b":s NOTICE * :Hello\r\n", "connection lost: the server hung up").await;
    check(b"ERROR :Closing Link: Server full\r\n", "connection lost: Closing Link: Server full")
        .await;
    check(b":s 465 ink :You are K-lined\r\n", "sent away: banned: You are K-lined").await;
    check(b":s 464 ink :Password incorrect\r\n", "credentials refused: Password incorrect").await;
    check(&b":s 433 * ink :Taken\r\n".repeat(10), "sent away: no nick is free").await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_stops_talking_is_left_in_time() {
    let began = Instant::now();
    let error = meet(&b":s NOTICE * :wait\r\n".repeat(100), false).await.unwrap_err();
    assert_eq!(error.to_string(), "connection lost: no welcome");
    assert_eq!(began.elapsed(), Duration::from_secs(30));
}
