//! Long answers behind links: published by one adapter, served by another, there after a restart.
use async_trait::async_trait;
use inkwire::store::sqlite::{Options, SqliteStore};
use inkwire_core::{Adapter, AdapterError, AdapterId, Capabilities, Link};
use inkwire_http::{Http, HttpConfig};
use inkwire_testkit::{Bridge, setup, web};
use std::{net::SocketAddr, path::Path, sync::Arc};
use tempfile::TempDir;
use tokio::sync::{mpsc, watch};

const LIST: &str = "<b>every model there is</b>\n";

/// Says where its text is, and nothing else.
struct Publisher {
    id: AdapterId,
    told: mpsc::Sender<String>,
}

#[async_trait]
impl Adapter for Publisher {
    fn id(&self) -> &AdapterId {
        &self.id
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    async fn run(&self, link: &mut Link) -> Result<(), AdapterError> {
        let address = link.media.publish(LIST).await.expect("published");
        self.told.send(address).await.expect("a test");
        link.token.cancelled().await;
        Ok(())
    }
}

struct Place {
    bridge: Bridge,
    store: Arc<SqliteStore>,
    told: mpsc::Receiver<String>,
    bound: watch::Receiver<Option<SocketAddr>>,
}

impl Place {
    async fn open(state: &Path) -> Self {
        let options = Options::default();
        let store = Arc::new(SqliteStore::open(&state.join("inkwire.db"), &options).unwrap());
        let http =
            Http::new(HttpConfig { listen: ([127, 0, 0, 1], 0).into(), ..Default::default() });
        let (bound, (tell, told)) = (http.bound(), mpsc::channel(1));
        let spare = TempDir::new().unwrap();
        let mut setup = setup(store.clone(), vec![], &spare);
        setup.blobs = state.join("blobs");
        setup.adapters = vec![Box::new(http), Box::new(Publisher { id: "p".into(), told: tell })];
        Self { bridge: Bridge::run(setup, spare).await, store, told, bound }
    }

    /// Of what was published, on the port that this one listens on.
    async fn get(&mut self, address: &str) -> web::Reply {
        let bound = self.bound.wait_for(Option::is_some).await.unwrap().unwrap();
        let (_, path) = address.split_once("/i/").unwrap();
        web::get(&format!("http://{bound}/i/{path}")).await.unwrap()
    }
}

#[tokio::test]
async fn a_published_text_is_there_after_a_restart() {
    let state = TempDir::new().unwrap();
    let mut place = Place::open(state.path()).await;
    let first = place.told.recv().await.unwrap();
    assert!(first.starts_with("http://127.0.0.1:8080/i/"), "{first}");
    let page = place.get(&first).await;
    assert_eq!((page.status, page.body.as_slice()), (200, LIST.as_bytes()));
    place.bridge.kill().await;
    place.store.close().await.unwrap();
    drop(place.store);

    let mut again = Place::open(state.path()).await;
    let second = again.told.recv().await.unwrap();
    assert_ne!(first, second, "the same text, another link");
    for address in [&first, &second] {
        let page = again.get(address).await;
        assert_eq!((page.status, page.body.as_slice()), (200, LIST.as_bytes()), "{address}");
    }
    again.bridge.stop().await;
}
