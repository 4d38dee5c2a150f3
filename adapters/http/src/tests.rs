//! The link server over real sockets, spoken to byte by byte: what a browser would mend is wrong.
//! Every answer is read to its end, so nothing waits for a time-out.
use crate::{
    Http, HttpConfig,
    server::{CONNECTIONS, HEADER_TIME},
};
use async_trait::async_trait;
use inkwire_conformance::{LINK_ID, PICTURE, Peer, Service, Shelf, Shown, TEXT, TEXT_LINK_ID};
use inkwire_core::{Adapter, AdapterError, Native};
use std::{net::SocketAddr, sync::Arc};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::Instant,
};

fn any_port() -> HttpConfig {
    HttpConfig { listen: ([127, 0, 0, 1], 0).into(), ..HttpConfig::default() }
}

struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines
            .filter(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
            .next_back()
    }
}

async fn raw(address: SocketAddr, request: &str) -> Answer {
    let mut stream = TcpStream::connect(address).await.expect("a listener");
    stream.write_all(request.as_bytes()).await.expect("a reader");
    let mut bytes = vec![];
    stream.read_to_end(&mut bytes).await.expect("an answer");
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).expect("a status");
    Answer { status, head, body: bytes[end + 4..].to_vec() }
}

async fn ask(address: SocketAddr, line: &str, more: &str) -> Answer {
    raw(address, &format!("{line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{more}\r\n")).await
}

struct Browser {
    http: Arc<Http>,
}

impl Browser {
    async fn address(&self) -> SocketAddr {
        let mut bound = self.http.bound();
        let address = *bound.wait_for(Option::is_some).await.expect("a server");
        address.expect("an address")
    }
}

#[async_trait]
impl Peer for Browser {
    fn adapter(&self) -> Arc<dyn Adapter> {
        self.http.clone()
    }

    fn features(&self) -> inkwire_conformance::Features {
        inkwire_conformance::Features { opens_links: true, ..Default::default() }
    }

    fn room(&self) -> Native {
        "nowhere".into()
    }

    async fn say(&mut self, _who: &str, _text: &str) {}

    async fn shown(&mut self) -> Shown {
        std::future::pending().await
    }

    async fn open_link(&mut self, id: &str) -> Option<(String, Vec<u8>)> {
        let answer = ask(self.address().await, &format!("GET /i/{id}.webp"), "").await;
        let mime = answer.header("content-type")?.to_owned();
        (answer.status == 200).then_some((mime, answer.body))
    }
}

#[tokio::test]
async fn conforms() {
    let start = || async { Browser { http: Arc::new(Http::new(any_port())) } };
    let report = inkwire_conformance::exercise(start).await;
    println!("{report}");
    report.expect_clean();
}

/// A running server; it ends with the test's runtime.
async fn serve(config: HttpConfig) -> (SocketAddr, Service) {
    let http = Arc::new(Http::new(config));
    let (service, mut link) = Service::new(http.as_ref(), Arc::new(Shelf));
    let browser = Browser { http: http.clone() };
    tokio::spawn(async move { http.run(&mut link).await });
    (browser.address().await, service)
}

#[tokio::test]
async fn a_picture_has_all_its_headers() {
    let (address, _service) = serve(any_port()).await;
    let get = ask(address, &format!("GET /i/{LINK_ID}.webp"), "").await;
    assert_eq!((get.status, get.body.as_slice()), (200, PICTURE));
    insta::assert_snapshot!("picture_headers", without_date(&get.head));
    let head = ask(address, &format!("HEAD /i/{LINK_ID}.webp"), "").await;
    assert_eq!(without_date(&head.head), without_date(&get.head));
    assert!(head.body.is_empty());
}

#[tokio::test]
async fn a_page_is_whole_and_has_a_policy() {
    let (address, _service) =
        serve(HttpConfig { public_url: Some("https://pics.example/".to_owned()), ..any_port() })
            .await;
    let get = ask(address, &format!("GET /i/{LINK_ID}"), "").await;
    assert_eq!(get.status, 200);
    let body = String::from_utf8(get.body.clone()).expect("text");
    let image = format!("content=\"https://pics.example/i/{LINK_ID}.webp\"");
    assert!(body.contains(&image) && body.ends_with("</html>\n"), "{body}");
    assert_eq!(get.header("content-length"), Some(get.body.len().to_string().as_str()));
    insta::assert_snapshot!("page_headers", without_date(&get.head));
}

/// It looks like a page with a script, and a browser must not take it for one.
#[tokio::test]
async fn a_text_is_a_text_whatever_is_in_it() {
    let (address, _service) = serve(any_port()).await;
    let get = ask(address, &format!("GET /i/{TEXT_LINK_ID}"), "").await;
    assert_eq!((get.status, get.body.as_slice()), (200, TEXT.as_bytes()));
    assert!(TEXT.contains("<script>"));
    assert_eq!(get.header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(get.header("x-content-type-options"), Some("nosniff"));
    insta::assert_snapshot!("text_headers", without_date(&get.head));
    let head = ask(address, &format!("HEAD /i/{TEXT_LINK_ID}"), "").await;
    assert_eq!(without_date(&head.head), without_date(&get.head));
    assert!(head.body.is_empty());
    for ending in [".txt", ".webp"] {
        let named = ask(address, &format!("GET /i/{TEXT_LINK_ID}{ending}"), "").await;
        assert_eq!(without_date(&named.head), without_date(&get.head), "{ending}");
        assert_eq!(named.body, get.body, "{ending}");
    }
}

#[tokio::test]
async fn parts_and_unchanged_pictures() {
    let (address, _service) = serve(any_port()).await;
    let all = PICTURE.len();
    let check = async |more: &str, status: u16, body: &[u8], range: Option<String>| {
        let answer = ask(address, &format!("GET /i/{LINK_ID}.webp"), &format!("{more}\r\n")).await;
        assert_eq!((answer.status, answer.body.as_slice()), (status, body), "{more}");
        assert_eq!(answer.header("content-range"), range.as_deref(), "{more}");
    };
    let range = |first: usize, last: usize| Some(format!("bytes {first}-{last}/{all}"));
    check("Range: bytes=2-5", 206, &PICTURE[2..6], range(2, 5)).await;
    check("Range: bytes=-3", 206, &PICTURE[all - 3..], range(all - 3, all - 1)).await;
    check("Range: bytes=0-0,2-3", 200, PICTURE, None).await;
    check("Range: bytes=0-1\r\nIf-Range: \"other\"", 200, PICTURE, None).await;
    check("Range: bytes=0-1\r\nIf-Range: \"9f2c\"", 206, &PICTURE[..2], range(0, 1)).await;
    check("If-None-Match: \"9f2c\"", 304, b"", None).await;
    check("If-None-Match: \"other\"", 200, PICTURE, None).await;
    let beyond = ask(address, &format!("GET /i/{LINK_ID}.webp"), "Range: bytes=999-\r\n").await;
    let range = format!("bytes */{all}");
    assert_eq!((beyond.status, beyond.header("content-range")), (416, Some(range.as_str())));
}

#[tokio::test]
async fn nothing_looks_the_same_whatever_it_is() {
    let (address, _service) = serve(any_port()).await;
    let unknown = ask(address, "GET /i/Aa0Aa0Aa0Aa0Aa0Aa0Aa0x", "").await;
    assert_eq!(unknown.status, 404);
    for path in [
        "/",
        "/i/",
        "/i/short",
        "/i/../../etc/passwd",
        "/i/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "/i/..%5c..%5cetc",
        "/i/Aa0Aa0Aa0Aa0Aa0Aa0Aa0x.webp",
        "/i/Aa0Aa0Aa0Aa0Aa0Aa0Aa0x.svg",
        "/metrics",
        "/i/Xk3vQ9pLm2RtYw7ZbN4cJd%00",
        "/i/Xk3vQ9pLm2RtYw7ZbN4cJd/",
        "/robots.txt",
    ] {
        let answer = ask(address, &format!("GET {path}"), "").await;
        assert_eq!(without_date(&answer.head), without_date(&unknown.head), "{path}");
        assert_eq!(answer.body, unknown.body, "{path}");
    }
}

#[tokio::test]
async fn only_get_and_head() {
    let (address, _service) = serve(any_port()).await;
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "BREW"] {
        let answer = ask(address, &format!("{method} /i/{LINK_ID}"), "").await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD")), "{method}");
    }
}

#[tokio::test]
async fn guessing_is_refused_for_a_while() {
    let (address, _service) = serve(any_port()).await;
    let guess = async |caller: &str, id: &str| {
        let named = format!("X-Forwarded-For: {caller}\r\n");
        ask(address, &format!("GET /i/{id}"), &named).await
    };
    for _ in 0..10 {
        assert_eq!(guess("192.0.2.1", "Aa0Aa0Aa0Aa0Aa0Aa0Aa0x").await.status, 404);
    }
    let refused = guess("192.0.2.1", LINK_ID).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("60")));
    assert_eq!(guess("192.0.2.2", LINK_ID).await.status, 200);
}

#[tokio::test]
async fn one_caller_cannot_take_every_connection() {
    let (address, _service) = serve(HttpConfig { proxies: vec![], ..any_port() }).await;
    let mut held = vec![];
    for _ in 0..32 {
        held.push(TcpStream::connect(address).await.expect("a listener"));
    }
    // Accepted in order: this one is the 33rd.
    let mut refused = TcpStream::connect(address).await.expect("a listener");
    assert!(matches!(refused.read(&mut [0; 1]).await, Ok(0) | Err(_)), "closed without a word");
}

#[tokio::test]
async fn nonsense_gets_a_plain_refusal() {
    let (address, _service) = serve(any_port()).await;
    assert_eq!(raw(address, "\0\0\r\n\r\n").await.status, 400);
    // It may be cut off in the middle of its long name, answer or not: others go on.
    let mut long = TcpStream::connect(address).await.expect("a listener");
    long.write_all(format!("GET /i/{}", "a".repeat(100_000)).as_bytes()).await.ok();
    long.read_to_end(&mut vec![]).await.ok();
    assert_eq!(ask(address, &format!("GET /i/{LINK_ID}"), "").await.status, 200);
}

/// Time is paused: it moves on when nobody has anything to do, which is when all wait for us.
#[tokio::test(start_paused = true)]
async fn whoever_dawdles_is_hung_up_on() {
    let (address, _service) = serve(any_port()).await;
    let whole = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    for beginning in ["", "GET /i/", "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ", whole] {
        let started = Instant::now();
        let mut stream = TcpStream::connect(address).await.expect("a listener");
        stream.write_all(beginning.as_bytes()).await.expect("a reader");
        stream.read_to_end(&mut vec![]).await.expect("an end");
        assert!(started.elapsed() < HEADER_TIME * 2, "{beginning}");
    }
}

/// Proxies may open as many connections as there are, and no more.
#[tokio::test(start_paused = true)]
async fn the_last_place_is_given_when_one_is_free() {
    let (address, _service) = serve(any_port()).await;
    let mut held = vec![];
    for _ in 0..CONNECTIONS {
        held.push(TcpStream::connect(address).await.expect("a listener"));
    }
    let started = Instant::now();
    assert_eq!(ask(address, &format!("GET /i/{LINK_ID}"), "").await.status, 200);
    assert!(started.elapsed() >= HEADER_TIME, "it waited for the silent ones to be hung up on");
}

#[tokio::test]
async fn a_taken_port_is_said_with_its_remedy() {
    let taken = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let listen = taken.local_addr().expect("an address");
    let http = Http::new(HttpConfig { listen, ..HttpConfig::default() });
    let (_service, mut link) = Service::new(&http, Arc::new(Shelf));
    let Err(AdapterError::Disconnected(why)) = http.run(&mut link).await else {
        panic!("listens twice");
    };
    assert!(why.contains(&listen.to_string()) && why.contains("set another"), "{why}");
}

fn without_date(head: &str) -> String {
    let mut lines: Vec<_> = head.lines().filter(|line| !line.starts_with("date: ")).collect();
    lines.sort_unstable();
    lines.join("\n")
}
