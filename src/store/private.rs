//! Folders that only their owner may enter: what lies in them is other people's.
//! It makes them and changes none that is there.
use std::{fs::DirBuilder, io, os::unix::fs::DirBuilderExt, path::Path};

/// Makes the folder, and those above it, for its owner alone; one that is there stays as it is.
pub fn private_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}
