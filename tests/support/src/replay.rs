//! A `ComfyUI` that plays recordings of a real one over real sockets, and misbehaves when told to.
//! It plays the next recorded prompt for each one it gets, with the client's own id in it.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a double fails loudly"
)]
mod recording;
mod server;

pub use recording::{Recorded, read};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};
use tokio::{
    sync::{mpsc, watch},
    time::timeout,
};
use tokio_util::sync::{CancellationToken, DropGuard};

/// Nothing takes longer, unless it is stuck.
const STUCK: Duration = Duration::from_mins(1);

/// What goes wrong; all of it off by default.
#[derive(Debug, Clone, Default)]
#[allow(clippy::struct_excessive_bools, reason = "each goes wrong or does not")]
pub struct Mischief {
    /// The first prompt stays running, all others wait, until `release`.
    pub hold: bool,
    /// Prompts are taken and none ever runs.
    pub dead: bool,
    /// Sockets open and say nothing of prompts.
    pub silent: bool,
    /// Nobody gets a socket.
    pub no_sockets: bool,
    /// One for each POST of a prompt, until there are no more.
    pub posts: VecDeque<PostFault>,
    /// One for each GET of a file, until there are no more.
    pub views: VecDeque<ViewFault>,
    /// Interrupts that get lost.
    pub lost_interrupts: u32,
    /// Looks into the history that find nothing yet: the prompt still counts as running.
    pub late_history: u32,
    /// Prompts of somebody else that wait, one of them with NaN in it.
    pub strangers: bool,
    /// Every call is answered with this.
    pub down: Option<u16>,
    /// No call is answered at all.
    pub hang: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PostFault {
    Status(u16),
    /// Taken, and the answer breaks off.
    TakenThenBroken,
    /// Not taken, and the answer breaks off.
    LostThenBroken,
    /// Taken, with a complaint about one of its outputs.
    Complaint,
    /// Taken under an id of the server's own, as old ones do.
    Renamed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ViewFault {
    Status(u16),
    /// Half of the bytes that are announced.
    Truncated,
    /// A page of some proxy, as if it were the file.
    Html,
}

/// The server; it ends when this is dropped.
pub struct Replay {
    pub url: String,
    state: Shared,
    _running: DropGuard,
}

type Shared = Arc<Server>;

struct Server {
    state: Mutex<State>,
    /// Grows with each call.
    called: watch::Sender<usize>,
    /// Only requests with this `authorization` are let in.
    secret: Option<String>,
}

#[derive(Default)]
struct State {
    script: VecDeque<Recorded>,
    mischief: Mischief,
    sockets: BTreeMap<String, mpsc::Sender<String>>,
    previews: BTreeMap<String, mpsc::Sender<Vec<u8>>>,
    running: Option<Live>,
    pending: VecDeque<Live>,
    history: BTreeMap<String, Value>,
    files: BTreeMap<String, Vec<u8>>,
    calls: Vec<String>,
}

struct Live {
    id: String,
    client: String,
    recorded: Recorded,
}

impl Replay {
    pub async fn start(script: Vec<Recorded>) -> Self {
        Self::start_behind(script, "", None).await
    }

    /// Under a path prefix, for those who know the secret.
    pub async fn start_behind(script: Vec<Recorded>, prefix: &str, secret: Option<&str>) -> Self {
        let files = script.iter().flat_map(|one| one.files.clone()).collect();
        let state = State { script: script.into(), files, ..State::default() };
        let server = Arc::new(Server {
            state: Mutex::new(state),
            called: watch::Sender::default(),
            secret: secret.map(str::to_owned),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let token = CancellationToken::new();
        let ended = token.clone();
        let app = server::routes(server.clone(), prefix);
        tokio::spawn(async move {
            let serving = axum::serve(listener, app);
            serving.with_graceful_shutdown(ended.cancelled_owned()).await.expect("serves");
        });
        Self {
            url: format!("http://{address}{prefix}"),
            state: server,
            _running: token.drop_guard(),
        }
    }

    pub fn misbehave(&self, mischief: Mischief) {
        self.state.lock().mischief = mischief;
    }

    /// Calls so far, such as `POST /queue {"delete":["id"]}`.
    pub fn calls(&self) -> Vec<String> {
        self.state.lock().calls.clone()
    }

    /// Waits until as many calls begin with these words.
    pub async fn called(&self, call: &str, times: usize) {
        let mut called = self.state.called.subscribe();
        let count = || self.calls().iter().filter(|made| made.starts_with(call)).count();
        let seen = called.wait_for(|_| count() >= times);
        timeout(STUCK, seen).await.expect("the call comes").expect("the server lives");
    }

    /// Lets go what was held, and whatever comes.
    pub fn release(&self) {
        let mut state = self.state.lock();
        state.mischief.hold = false;
        state.play();
    }

    /// As after a restart: nothing is known any more, and all sockets are closed.
    pub fn restart(&self) {
        let mut state = self.state.lock();
        state.sockets.clear();
        state.previews.clear();
        state.history.clear();
        state.pending.clear();
        state.running = None;
    }

    pub fn forget_files(&self) {
        self.state.lock().files.clear();
    }

    pub fn knows(&self, id: &str) -> bool {
        self.state.lock().history.contains_key(id)
    }
}

impl Server {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic")
    }
}

impl State {
    fn take(&mut self, id: &str, client: &str) {
        // The last one serves for all that come after it.
        let recorded = match self.script.len() {
            1 => self.script.front().cloned(),
            _ => self.script.pop_front(),
        };
        let recorded = recorded.expect("a recorded prompt");
        self.pending.push_back(Live { id: id.into(), client: client.into(), recorded });
        self.tell_all(
            &json!({"type": "status", "data": {"status": {"exec_info": {"queue_remaining": 1}}}}),
        );
        self.play();
    }

    fn play(&mut self) {
        while !self.mischief.dead {
            if self.running.is_none() {
                self.running = self.pending.pop_front();
                let Some(live) = &self.running else { return };
                let start = json!({"type": "execution_start", "data": {"prompt_id": live.id}});
                self.tell(&live.client, &start);
            }
            if self.mischief.hold {
                return;
            }
            if let Some(live) = self.running.take() {
                self.finish(&live);
            }
        }
    }

    /// All frames in their order; the history is written after the success, as in the original.
    fn finish(&mut self, live: &Live) {
        for frame in &live.recorded.frames {
            let text = frame.to_string().replace(&live.recorded.id, &live.id);
            let is_end = frame["type"] == "executing" && frame["data"]["node"].is_null();
            if is_end && let Some(entry) = &live.recorded.entry {
                let entry = entry.to_string().replace(&live.recorded.id, &live.id);
                let entry = serde_json::from_str(&entry).expect("still JSON");
                self.history.insert(live.id.clone(), entry);
            }
            self.send(&live.client, text);
        }
        if !self.mischief.silent
            && let Some(socket) = self.previews.get(&live.client)
        {
            let sent = socket.try_send(recording::preview(&live.id));
            drop(sent);
        }
    }

    fn interrupt(&mut self, id: &str) {
        if self.running.as_ref().is_none_or(|live| live.id != id) {
            return;
        }
        if self.mischief.lost_interrupts > 0 {
            self.mischief.lost_interrupts -= 1;
            return;
        }
        let Some(live) = self.running.take() else { return };
        let message = json!(["execution_interrupted", {"prompt_id": id}]);
        let status = json!({"status_str": "error", "completed": false, "messages": [message]});
        self.history.insert(id.into(), json!({"outputs": {}, "status": status}));
        let end = json!({"type": "executing", "data": {"node": null, "prompt_id": id}});
        self.tell(&live.client, &end);
        self.play();
    }

    fn tell(&self, client: &str, frame: &Value) {
        self.send(client, frame.to_string());
    }

    fn tell_all(&self, frame: &Value) {
        for client in self.sockets.keys() {
            self.tell(client, frame);
        }
    }

    /// As the original: what nobody listens to is gone.
    fn send(&self, client: &str, text: String) {
        if self.mischief.silent {
            return;
        }
        if let Some(socket) = self.sockets.get(client) {
            drop(socket.try_send(text));
        }
    }
}
