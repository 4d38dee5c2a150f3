//! The pictures of a simulator: results, previews and uploads, in memory and bounded. The
//! oldest go first, as if somebody had cleaned the folder.
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// All files together stay under this many bytes.
const BUDGET: usize = 256 << 20;

/// Where a file is: its folder type, a folder inside of that and its name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) kind: String,
    pub(super) subfolder: String,
    pub(super) name: String,
}

/// A stored file.
#[derive(Debug, Clone)]
pub(super) struct File {
    pub(super) bytes: Arc<[u8]>,
    /// Changes with the content.
    pub(super) etag: String,
    /// Seconds since 1970.
    pub(super) modified: u64,
}

#[derive(Default)]
pub(super) struct Files {
    known: BTreeMap<Place, File>,
    ages: VecDeque<Place>,
    bytes: usize,
}

impl Files {
    pub(super) fn get(&self, place: &Place) -> Option<&File> {
        self.known.get(place)
    }

    pub(super) fn put(&mut self, place: Place, bytes: Vec<u8>) {
        self.remove(&place);
        self.bytes += bytes.len();
        while self.bytes > BUDGET {
            let Some(oldest) = self.ages.front().cloned() else { break };
            self.remove(&oldest);
        }
        let modified = super::clock().as_secs();
        let etag = format!("{:016x}-{:x}", digest(&bytes), bytes.len());
        self.ages.push_back(place.clone());
        self.known.insert(place, File { bytes: bytes.into(), etag, modified });
    }

    /// Forgets every file of a folder type, as a start does with `temp`.
    pub(super) fn empty(&mut self, kind: &str) {
        let gone: Vec<_> = self.known.keys().filter(|place| place.kind == kind).cloned().collect();
        for place in gone {
            self.remove(&place);
        }
    }

    /// Names in the root of the input folder, sorted.
    pub(super) fn uploads(&self) -> Vec<String> {
        let root = |place: &&Place| place.kind == "input" && place.subfolder.is_empty();
        self.known.keys().filter(root).map(|place| place.name.clone()).collect()
    }

    /// The number that the next picture of this prefix gets.
    pub(super) fn next(&self, kind: &str, subfolder: &str, prefix: &str) -> u64 {
        let number = |place: &Place| {
            place.name.strip_prefix(prefix)?.strip_prefix('_')?.split('_').next()?.parse().ok()
        };
        let same = |place: &&Place| place.kind == kind && place.subfolder == subfolder;
        let taken: Option<u64> = self.known.keys().filter(same).filter_map(number).max();
        taken.unwrap_or(0) + 1
    }

    fn remove(&mut self, place: &Place) {
        if let Some(file) = self.known.remove(place) {
            self.bytes -= file.bytes.len();
            self.ages.retain(|other| other != place);
        }
    }
}

/// A file as nodes name it: `sub/x.png`, `x.png [temp]`. Nothing outside of the folders exists.
pub(super) fn parse(name: &str, kind: &str) -> Place {
    let marked = ["input", "output", "temp"].into_iter().find_map(|kind| {
        let name = name.strip_suffix(&format!(" [{kind}]"))?;
        Some((name, kind))
    });
    let (name, kind) = marked.unwrap_or((name, kind));
    let (subfolder, name) = name.rsplit_once('/').unwrap_or(("", name));
    Place { kind: kind.to_owned(), subfolder: subfolder.to_owned(), name: name.to_owned() }
}

/// A short name for content; not for secrets.
fn digest(bytes: &[u8]) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}
