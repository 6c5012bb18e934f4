//! Names inside an image directory, and the few file operations that must not be forgotten.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// The kernel as an uncompressed ELF file.
pub const VMLINUX: &str = "vmlinux";
/// The kernel as shipped.
pub const VMLINUZ: &str = "vmlinuz";
/// Modules needed before the root is mounted.
pub const MODULES: &str = "modules.cpio";
/// The root.
pub const ROOT: &str = "root.erofs";
/// The kernel's configuration, as `make` reads it.
pub const CONFIG: &str = "config";
/// Agents to be laid above a root.
pub const LAYER: &str = "layer.erofs";
/// Variables that belong to a layer.
pub const ENVIRONMENT: &str = "environment.json";
/// See [`crate::Manifest`].
pub const MANIFEST: &str = "manifest.json";
/// Which files were last seen to match the manifest.
pub const VERIFIED: &str = "verified.json";

/// A file operation failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}", path.display())]
pub struct FileError {
    /// What was tried.
    pub action: &'static str,
    /// On which path.
    pub path: PathBuf,
    /// What the system says.
    #[source]
    pub source: io::Error,
}

/// Says what an error of the system was about.
pub fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FileError {
    let path = path.to_owned();
    move |source| FileError { action, path, source }
}

/// Writes a new file and brings it to the disk.
pub fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Brings a file or directory to the disk.
pub fn sync(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Reads a file that is at most `limit` bytes long.
pub fn read_limited(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("longer than {limit} bytes"),
        ));
    }
    Ok(bytes)
}
