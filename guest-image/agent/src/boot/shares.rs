//! The host's folders, at their own paths.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path};

use agent_protocol::Share;
use rustix::mount::{MountFlags, mount as kernel_mount};

use super::folders;
use crate::account::Account;

/// File systems of the kernel, in which nothing else can be.
pub const KERNEL_FOLDERS: [&str; 3] = ["/proc", "/sys", "/dev"];

/// A share cannot be mounted.
#[derive(Debug, thiserror::Error)]
pub enum ShareError {
    /// Not an absolute path without `.` and `..`.
    #[error("{path} is not an absolute path; give the folder's full path")]
    NotAbsolute {
        /// Where the share was to be.
        path: String,
    },
    /// The root, or inside one of the kernel's own file systems.
    #[error("{path} cannot be shared because the guest has its own; share another folder")]
    Reserved {
        /// Where the share was to be.
        path: String,
    },
    /// Its mount point cannot be made.
    #[error("cannot make the folder {path} in the guest")]
    Folder {
        /// Where the share was to be.
        path: String,
        /// What making a folder says.
        #[source]
        source: io::Error,
    },
    /// The device is missing or does not answer.
    #[error("cannot mount {path} over virtio-fs (tag {tag})")]
    Mount {
        /// Where the share was to be.
        path: String,
        /// Its tag.
        tag: String,
        /// What mounting says.
        #[source]
        source: io::Error,
    },
}

/// Mounts `shares` in order. The folders above a mount point are made empty (requirement A09);
/// those inside the caller's home belong to the caller.
///
/// # Errors
/// [`ShareError`]; shares mounted before the one that failed stay mounted.
pub fn mount(shares: &[Share], caller: &Account) -> Result<(), ShareError> {
    for share in shares {
        let place = Path::new(OsStr::from_bytes(&share.path));
        let path = || place.display().to_string();
        check(place)?;
        folders::make(place, Path::new(OsStr::from_bytes(&caller.home)), caller.uid, caller.gid)
            .map_err(|source| ShareError::Folder { path: path(), source })?;
        let mut flags = MountFlags::NOSUID | MountFlags::NODEV;
        if share.read_only {
            flags |= MountFlags::RDONLY;
        }
        kernel_mount(share.tag.as_str(), place, "virtiofs", flags, c"").map_err(|errno| {
            ShareError::Mount { path: path(), tag: share.tag.clone(), source: errno.into() }
        })?;
    }
    Ok(())
}

/// Whether a share can be at `path`.
fn check(path: &Path) -> Result<(), ShareError> {
    let text = || path.display().to_string();
    let mut components = path.components();
    if components.next() != Some(Component::RootDir) || path.as_os_str().as_bytes().contains(&0) {
        return Err(ShareError::NotAbsolute { path: text() });
    }
    let mut depth = 0;
    for component in components {
        if !matches!(component, Component::Normal(_)) {
            return Err(ShareError::NotAbsolute { path: text() });
        }
        depth += 1;
    }
    if depth == 0 || KERNEL_FOLDERS.iter().any(|folder| path.starts_with(folder)) {
        return Err(ShareError::Reserved { path: text() });
    }
    Ok(())
}

#[cfg(test)]
#[path = "shares_test.rs"]
mod tests;
