//! Blobs against a store that knows no more than they ask of it.
use super::{ledger::Ledger, *};
use crate::{
    job::{Job, JobState, LinkPolicy, Render},
    picture::{Limits, Picture, decode, encode_png, process},
    store::JobRecord,
};
use inkwire_core::{
    Address, Artifact, ArtifactKind, Author, EventKey, JobId, Linked, Media, Native, PersonId,
    Place, PlaceKind, Powers, Reader, Time, TokioClock, Trust, read_all,
};
use std::{fs, io::Cursor, os::unix::fs::MetadataExt as _, path::PathBuf};
use tempfile::TempDir;
use tokio::sync::Semaphore;

/// Later than the time of any file.
const NOW: Time = Time(4_102_444_800_000);
const HELLO: &[u8] = b"hello";
const HELLO_ID: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

struct Rig {
    dir: TempDir,
    ledger: Arc<Ledger>,
    media: FileMedia,
}

fn rig() -> Rig {
    rig_with(Ledger::new(), PreviewLimits::default())
}

fn rig_with(ledger: Ledger, previews: PreviewLimits) -> Rig {
    let dir = TempDir::new().unwrap();
    let ledger = Arc::new(ledger);
    let media = open(dir.path(), &ledger, previews);
    Rig { dir, ledger, media }
}

fn open(dir: &Path, ledger: &Arc<Ledger>, previews: PreviewLimits) -> FileMedia {
    let clock = Arc::new(TokioClock::starting_at(NOW));
    FileMedia::new(dir, ledger.clone(), clock, Studio::new(1, 80), previews).unwrap()
}

impl Rig {
    async fn hello(&self) -> io::Result<BlobRow> {
        self.media.put_bytes(Bytes::from_static(HELLO), "text/plain", 0, 0).await
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("2c").join(HELLO_ID)
    }

    fn unfinished(&self) -> usize {
        fs::read_dir(self.dir.path().join("unfinished")).unwrap().count()
    }

    async fn read(&self, id: &MediaId) -> Option<Bytes> {
        self.media.read(id).await
    }
}

async fn read(reader: Option<Reader>) -> Option<Vec<u8>> {
    Some(read_all(reader?, 1 << 20).await.unwrap())
}

fn retention() -> Retention {
    let day = Duration::from_hours(24);
    Retention { recipes: day, most_bytes: 0, seen: day, unclaimed: day }
}

fn noise(side: u32) -> Picture {
    let pixels = (0..side * side * 3).map(|i| (i.wrapping_mul(i) >> 7).to_le_bytes()[0]);
    Picture::new(side, side, false, pixels.collect()).unwrap()
}

#[tokio::test]
async fn what_is_put_can_be_opened() {
    let rig = rig();
    let row = rig.hello().await.unwrap();
    let id = MediaId::from(HELLO_ID);
    let expected =
        BlobRow { id: id.clone(), mime: "text/plain".into(), bytes: 5, width: 0, height: 0 };
    assert_eq!(row, expected);
    assert_eq!(rig.ledger.blob(&id).await.unwrap(), Some(expected));
    assert_eq!(rig.read(&id).await.unwrap(), HELLO);
    assert_eq!(rig.media.usage().await.unwrap(), (1, 5));
    assert_eq!(rig.unfinished(), 0);
}

#[tokio::test]
async fn nobody_else_can_read_it() {
    let rig = rig();
    rig.hello().await.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!(mode(&rig.path()), 0o600);
    assert_eq!(mode(rig.path().parent().unwrap()), 0o700);
}

#[tokio::test]
async fn the_same_bytes_are_written_once() {
    let rig = rig();
    rig.hello().await.unwrap();
    let inode = || fs::metadata(rig.path()).unwrap().ino();
    let first = inode();
    rig.hello().await.unwrap();
    assert_eq!(inode(), first);
    assert_eq!(rig.media.usage().await.unwrap(), (1, 5));
    fs::write(rig.path(), b"hexxo").unwrap();
    rig.hello().await.unwrap();
    assert_eq!(fs::read(rig.path()).unwrap(), HELLO, "a damaged file is made whole");
}

#[tokio::test]
async fn a_full_disk_says_so_and_leaves_nothing() {
    let rig = rig_with(Ledger { full: true, ..Ledger::new() }, PreviewLimits::default());
    let error = rig.hello().await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    let full = files::fill(fs::File::create("/dev/full").unwrap(), HELLO, Forced::Later);
    assert_eq!(full.unwrap_err().kind(), io::ErrorKind::StorageFull);
}

#[tokio::test]
async fn a_failed_write_leaves_no_draft_and_no_row() {
    let rig = rig();
    fs::create_dir(rig.path()).unwrap();
    assert!(rig.hello().await.is_err());
    assert_eq!(rig.unfinished(), 0);
    assert!(rig.ledger.blobs.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_new_start_clears_drafts_and_keeps_blobs() {
    let rig = rig();
    let id = rig.hello().await.unwrap().id;
    fs::write(rig.dir.path().join("unfinished/7"), "half").unwrap();
    let again = open(rig.dir.path(), &rig.ledger, PreviewLimits::default());
    assert_eq!(rig.unfinished(), 0);
    assert_eq!(read(again.open(&id).await).await.unwrap(), HELLO);
}

#[tokio::test]
async fn only_our_ids_lead_to_files() {
    let rig = rig();
    rig.hello().await.unwrap();
    let upper = HELLO_ID.to_uppercase();
    let long = format!("{HELLO_ID}/../{HELLO_ID}");
    let dots = "../".repeat(21) + "x";
    let nul = format!("2c{}\0", "a".repeat(61));
    for id in ["", "2c", "../unfinished", "/etc/passwd", "preview-1", &upper, &long, &dots, &nul] {
        assert!(rig.media.open(&MediaId::from(id)).await.is_none(), "{id:?}");
        assert!(rig.media.open_within(&MediaId::from(id), 9, &[]).await.is_none(), "{id:?}");
        rig.media.remove(vec![MediaId::from(id)]).await;
    }
    assert!(rig.path().exists());
}

#[tokio::test]
async fn an_adapter_puts_what_it_received() {
    let rig = rig();
    let bytes = encode_png(&noise(40)).unwrap();
    let id = rig.media.put(Box::new(Cursor::new(bytes.clone())), "image/png").await.unwrap();
    let row = rig.ledger.blob(&id).await.unwrap().unwrap();
    assert_eq!((row.width, row.height, row.mime.as_str()), (40, 40, "image/png"));
    assert_eq!(rig.read(&id).await.unwrap(), bytes);
    let endless = Box::new(tokio::io::repeat(7));
    let error = rig.media.put(endless, "image/png").await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
}

#[tokio::test]
async fn a_picture_is_kept_with_its_thumbnail() {
    let rig = rig();
    let made = process(&encode_png(&noise(600)).unwrap(), 80.0).unwrap();
    let kept = rig.media.put_picture(made.clone()).await.unwrap();
    assert_eq!((kept.picture.width, kept.picture.height), (600, 600));
    assert_eq!((kept.thumbnail.width, kept.thumbnail.height), (512, 512));
    for (row, bytes) in [(kept.picture, made.webp), (kept.thumbnail, made.thumbnail.webp)] {
        assert_eq!(rig.read(&row.id).await.unwrap(), bytes);
        assert_eq!(rig.ledger.blob(&row.id).await.unwrap(), Some(row));
    }
}

#[tokio::test]
async fn too_large_pictures_come_smaller() {
    let rig = rig();
    let bytes = encode_png(&noise(200)).unwrap();
    let length = u64::try_from(bytes.len()).unwrap();
    let put = rig.media.put_bytes(bytes.clone().into(), "image/png", 200, 200).await.unwrap();
    let within = async |max, formats: &[&str]| {
        read(rig.media.open_within(&put.id, max, formats).await).await
    };
    assert_eq!(within(length, &["image/png"]).await.unwrap(), bytes, "as it is");
    let webp = within(length, &["image/webp"]).await.unwrap();
    assert!(webp.starts_with(b"RIFF"), "another format");
    let small = within(6_000, &["image/jpeg"]).await.unwrap();
    assert!(small.len() <= 6_000 && decode(&small, &Limits::default()).is_ok());
    assert_eq!(within(10, &["image/jpeg"]).await, None);
    let text = rig.hello().await.unwrap();
    assert!(rig.media.open_within(&text.id, 4, &["text/plain"]).await.is_none());
    assert!(rig.media.open_within(&text.id, 5, &["text/plain"]).await.is_some());
}

#[tokio::test]
async fn the_newest_preview_of_a_slot_is_the_only_one() {
    let rig = rig_with(Ledger::new(), PreviewLimits { count: 2, bytes: 10 });
    let put = |slot: &str, bytes: &'static [u8]| {
        rig.media.put_preview(&slot.into(), "image/jpeg", Bytes::from_static(bytes))
    };
    let first = put("a", b"one");
    let second = put("a", b"two");
    assert_eq!(rig.read(&first).await, None);
    assert_eq!(rig.read(&second).await.unwrap(), &b"two"[..]);
    assert!(rig.media.open_within(&second, 3, &["image/jpeg"]).await.is_some());
    assert!(rig.media.open_within(&second, 2, &["image/jpeg"]).await.is_none());
    let other = put("b", b"three");
    put("c", b"four");
    assert_eq!(rig.read(&second).await, None, "too many");
    put("c", b"seven b");
    assert_eq!(rig.read(&other).await, None, "too many bytes");
    let third = put("d", b"8");
    rig.media.drop_preview(&"d".into());
    assert_eq!(rig.read(&third).await, None);
    let huge = put("e", b"larger than all that may be kept");
    assert_eq!(rig.read(&huge).await, None);
    assert_eq!(rig.media.usage().await.unwrap(), (0, 0), "never on disk");
}

#[tokio::test]
async fn a_sweep_removes_what_nobody_wants() {
    let rig = rig();
    let unwanted = rig.hello().await.unwrap().id;
    let kept = rig.media.put_bytes(Bytes::from_static(b"kept"), "image/webp", 1, 1).await.unwrap();
    let orphan =
        rig.media.put_bytes(Bytes::from_static(b"orphan"), "image/webp", 1, 1).await.unwrap();
    rig.ledger.blobs.lock().unwrap().remove(&orphan.id);
    rig.ledger.unwanted.lock().unwrap().push(unwanted.clone());
    let patient = Retention { unclaimed: Duration::from_secs(1 << 40), ..retention() };
    assert_eq!(rig.media.sweep(&patient).await.unwrap().blobs, std::slice::from_ref(&unwanted));
    assert_eq!(rig.read(&unwanted).await, None);
    assert!(rig.read(&orphan.id).await.is_some(), "it may be somebody's work in progress");
    rig.media.sweep(&retention()).await.unwrap();
    assert_eq!(rig.read(&orphan.id).await, None);
    assert_eq!(rig.read(&kept.id).await.unwrap(), &b"kept"[..]);
}

#[tokio::test]
async fn a_sweep_never_comes_between_a_file_and_its_row() {
    let rig =
        rig_with(Ledger { permits: Semaphore::new(0), ..Ledger::new() }, PreviewLimits::default());
    let mut put = Box::pin(rig.hello());
    while !rig.path().exists() {
        assert!(futures_util::poll!(&mut put).is_pending());
        tokio::task::yield_now().await;
    }
    let retention = retention();
    let mut sweep = Box::pin(rig.media.sweep(&retention));
    assert!(futures_util::poll!(&mut sweep).is_pending(), "it waits for the row");
    rig.ledger.permits.add_permits(1);
    let (put, swept) = tokio::join!(put, sweep);
    swept.unwrap();
    assert_eq!(rig.read(&put.unwrap().id).await.unwrap(), HELLO);
}

#[tokio::test]
async fn links_lead_to_names_for_people() {
    let rig = rig();
    let linked = Linked {
        media: "m2".into(),
        mime: "image/webp".into(),
        bytes: 1,
        width: 1,
        height: 1,
        job: Some("k7f".into()),
        title: Some("a red fox".into()),
        file_name: String::new(),
        expires: None,
    };
    rig.ledger.links.lock().unwrap().insert("abc".into(), linked);
    *rig.ledger.record.lock().unwrap() = Some(record());
    let found = rig.media.resolve("abc").await.unwrap();
    assert_eq!(found.file_name, "2026-11-20_k7f-2_a-red-fox.webp");
    assert_eq!(rig.media.resolve("abd").await, None);
}

fn with_links(rig: Rig) -> Rig {
    let media = rig.media.reached_at(Some("https://pics.example".into()));
    Rig { media, ..rig }
}

#[tokio::test]
async fn a_text_is_published_for_a_day() {
    let rig = with_links(rig());
    let address = rig.media.publish("hello").await.unwrap();
    let id = address.strip_prefix("https://pics.example/i/").unwrap();
    assert!(id.len() == 22 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{id}");
    let linked = rig.media.resolve(id).await.unwrap();
    assert_eq!((linked.media, linked.mime.as_str()), (HELLO_ID.into(), "text/plain"));
    assert_eq!((linked.bytes, linked.job, linked.title), (5, None, None));
    assert_eq!(linked.file_name, "text.txt");
    let day = Duration::from_hours(24);
    assert!(linked.expires.is_some_and(|end| end >= NOW.after(day)));
    assert!(linked.expires.is_some_and(|end| end < NOW.after(day + Duration::from_hours(1))));
    assert_eq!(rig.read(&HELLO_ID.into()).await.unwrap(), HELLO);
}

#[tokio::test]
async fn the_same_text_has_one_file_and_two_links() {
    let rig = with_links(rig());
    let (one, two) = (rig.media.publish("hello").await, rig.media.publish("hello").await);
    assert!(one.is_some() && two.is_some() && one != two, "{one:?} {two:?}");
    assert_eq!(rig.media.usage().await.unwrap(), (1, 5));
    assert_eq!(rig.ledger.links.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn what_cannot_be_published_leaves_nothing() {
    let nowhere = rig();
    assert_eq!(nowhere.media.publish("hello").await, None, "no public address");
    let largest = "é".repeat(128 << 10);
    let rig = with_links(rig());
    assert_eq!(rig.media.publish(&format!("{largest}!")).await, None, "too long");
    for rig in [&nowhere, &rig] {
        assert_eq!(rig.media.usage().await.unwrap(), (0, 0));
    }
    assert!(rig.media.publish(&largest).await.is_some());
    let full = Ledger { full: true, ..Ledger::new() };
    let rig = with_links(rig_with(full, PreviewLimits::default()));
    assert_eq!(rig.media.publish("hello").await, None, "no room");
    assert!(rig.ledger.links.lock().unwrap().is_empty());
}

fn record() -> JobRecord {
    let adapter = inkwire_core::AdapterId::from("console");
    let powers = Powers::default();
    let asker = Author {
        adapter: adapter.clone(),
        id: Native::from("ann"),
        name: "ann".into(),
        trust: Trust::Account,
        powers,
    };
    let job = Job {
        id: JobId::from("k7f"),
        owner: PersonId::from("ann"),
        asker,
        answers: EventKey::from("1"),
        place: Place { kind: PlaceKind::Direct, encrypted: false },
        reply_to: Address { adapter, room: Native::from("r"), message: None, thread: None },
        render: Render::default(),
        parts: 2,
        private: false,
        links: LinkPolicy::None,
        keep: None,
        cost: 1,
        created: Time(1_795_176_000_000),
        begin_by: NOW,
        time_limit: Duration::from_secs(1),
    };
    JobRecord {
        job,
        state: JobState::Finished,
        engine: None,
        artifacts: vec![artifact("m1", 1), artifact("m2", 2)],
        failure: None,
        ended: None,
        keep_until: None,
    }
}

fn artifact(media: &str, index: u16) -> Artifact {
    Artifact {
        media: media.into(),
        kind: ArtifactKind::Image,
        index,
        mime: "image/webp".into(),
        width: 1,
        height: 1,
        bytes: 1,
        thumbnail: None,
        blurhash: None,
        link: None,
    }
}
