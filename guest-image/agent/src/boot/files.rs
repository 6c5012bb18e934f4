//! Files that the host wants in the guest, such as the settings of agents.
//!
//! They are written before the shares are mounted: whatever their path is, they cannot end in a
//! folder of the host. One that cannot be written is left out, with a line in the kernel log; the
//! guest works without.

use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Component, Path};

use agent_protocol::{File, Share};

use super::folders;
use super::shares::KERNEL_FOLDERS;
use crate::account::Account;
use crate::log;

/// A file cannot be written.
#[derive(Debug, thiserror::Error)]
enum FileError {
    /// Not an absolute path to a file, without `.` and `..`.
    #[error("it is not the absolute path of a file")]
    Path,
    /// In one of the kernel's own file systems.
    #[error("it is in a folder of the kernel")]
    Kernel,
    /// In a folder of the host.
    #[error("it is in a folder that is shared with the host")]
    Shared,
    /// The system refuses.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Writes them all. Shares must not be mounted yet.
pub fn write(files: &[File], shares: &[Share], caller: &Account) {
    for file in files {
        let path = Path::new(OsStr::from_bytes(&file.path));
        if let Err(error) = check(path, shares).and_then(|()| write_one(path, file, caller)) {
            log::warn(format_args!("cannot write {}: {error}", path.display()));
        }
    }
}

/// Whether a file may be at `path`.
fn check(path: &Path, shares: &[Share]) -> Result<(), FileError> {
    let bytes = path.as_os_str().as_bytes();
    let mut components = path.components();
    let absolute = components.next() == Some(Component::RootDir);
    let plain = components.all(|component| matches!(component, Component::Normal(_)));
    let named = !bytes.ends_with(b"/") && !bytes.contains(&0);
    if !(absolute && plain && named) {
        return Err(FileError::Path);
    }
    if KERNEL_FOLDERS.iter().any(|folder| path.starts_with(folder)) {
        return Err(FileError::Kernel);
    }
    // It would not be seen, and a wrong idea of what is shared must not go unnoticed.
    if shares.iter().any(|share| path.starts_with(OsStr::from_bytes(&share.path))) {
        return Err(FileError::Shared);
    }
    Ok(())
}

/// Writes a file anew, and the folders above it.
fn write_one(path: &Path, file: &File, caller: &Account) -> Result<(), FileError> {
    let (uid, gid) = if file.owned_by_user { (caller.uid, caller.gid) } else { (0, 0) };
    let folder = path.parent().ok_or(FileError::Path)?;
    folders::make(folder, Path::new("/"), uid, gid)?;
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    // `create_new` follows no link, and nobody reads what is not theirs meanwhile.
    let mut new = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    new.write_all(&file.contents)?;
    fchown(&new, Some(uid), Some(gid))?;
    new.set_permissions(fs::Permissions::from_mode(file.mode & 0o777))?;
    Ok(())
}

#[cfg(test)]
#[path = "files_test.rs"]
mod tests;
