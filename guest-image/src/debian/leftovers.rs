//! What killed builds left behind.

use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Beginning of the names of directories outside of the cache.
pub const PREFIX: &str = "qvm-image-";
/// File in the work directory that tells where the directory outside is.
const NOTE: &str = "elsewhere";

/// Notes that `elsewhere` belongs to the build in `work`.
pub fn remember(work: &Path, elsewhere: &Path) -> io::Result<()> {
    fs::write(work.join(NOTE), elsewhere.as_os_str().as_bytes())
}

/// Removes everything in `temporary`, the cache's directory for builds, and what they have
/// outside. For the holder of the cache's lock, since anything in there is then a dead build's.
///
/// # Errors
/// What the system says, where something cannot be removed.
pub fn clean_leftovers(temporary: &Path) -> io::Result<()> {
    for entry in fs::read_dir(temporary)? {
        let path = entry?.path();
        if let Ok(elsewhere) = fs::read(path.join("work").join(NOTE)) {
            let elsewhere = PathBuf::from(std::ffi::OsString::from_vec(elsewhere));
            if is_ours(&elsewhere) {
                remove(&elsewhere);
            }
        }
        if path.is_dir() && !path.is_symlink() {
            fs::remove_dir_all(&path)?;
        } else {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

/// A directory that [`remember`] can have been told of, and that is still this user's.
fn is_ours(path: &Path) -> bool {
    let named = path.file_name().is_some_and(|name| name.as_bytes().starts_with(PREFIX.as_bytes()));
    let owned = fs::symlink_metadata(path)
        .is_ok_and(|meta| meta.is_dir() && meta.uid() == rustix::process::geteuid().as_raw());
    named && owned
}

/// Removes a directory in which users of a namespace may own files. What resists stays: it is
/// in a place for temporary files.
pub fn remove(path: &Path) {
    if fs::remove_dir_all(path).is_ok() || rustix::process::geteuid().is_root() {
        return;
    }
    let inside =
        fs::read_dir(path).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let helper = Command::new("mmdebstrap")
        .args(["--unshare-helper", "rm", "-rf", "--"])
        .args(inside)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let _ = helper;
    let _ = fs::remove_dir_all(path);
}

#[cfg(test)]
#[path = "leftovers_test.rs"]
mod tests;
