//! What the disk can do alone: the reference for everything that has to last.
use crate::report::millis;
use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::Path,
    time::Instant,
};

/// A file that only grows.
pub(crate) struct Disk(File);

impl Disk {
    pub(crate) fn open(dir: &Path) -> io::Result<Self> {
        Ok(Self(OpenOptions::new().append(true).create(true).open(dir.join("reference"))?))
    }

    /// One page appended and forced to disk, in milliseconds.
    pub(crate) fn fdatasync(&mut self) -> io::Result<f64> {
        let began = Instant::now();
        self.0.write_all(&[7; 4096])?;
        self.0.sync_data()?;
        Ok(millis(began.elapsed()))
    }
}
