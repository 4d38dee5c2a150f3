//! The process itself: memory, descriptors, room on the disk. Linux tells; elsewhere it is left out.
use super::metrics::{bytes, count};
use std::{fs, path::Path};

/// Pages of memory are this large on every machine that we run on.
const PAGE: u64 = 4096;

pub(super) fn measure(state_dir: &Path) {
    if let Some(resident) = resident() {
        metrics::gauge!("inkwire_resident_bytes").set(bytes(resident));
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        metrics::gauge!("inkwire_open_files").set(count(open.count()));
    }
    if let Ok(disk) = rustix::fs::statvfs(state_dir) {
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        metrics::gauge!("inkwire_disk_free_bytes").set(bytes(free));
    }
}

/// In bytes.
fn resident() -> Option<u64> {
    let statm = fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages.saturating_mul(PAGE))
}
