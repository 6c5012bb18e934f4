//! Shared directories: checked, opened, and given their place in the guest.

use std::{
    io,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

use super::{
    guest_path::{self, GuestPathError, ShareArg},
    places::{Places, Refusal},
    sys,
};
use crate::spec::Share;

/// Most shares of one machine. Each is a device with a process of its own.
pub const MOST_SHARES: usize = 16;

/// Why a directory is not shared. The first field is the path as it was given.
#[derive(Debug, thiserror::Error)]
pub enum ShareError {
    /// `-d` with a word that is no path of anything.
    #[error("`-d {word}` names no directory: in qvm -d means the directory to share, not detach; write `qvm -d . -- {word}`", word = .0.display())]
    NotDetach(PathBuf),
    /// Nothing there.
    #[error("cannot share `{}`: there is no such directory", .0.display())]
    Missing(PathBuf),
    /// A file, a device, …
    #[error("cannot share `{}`: it is not a directory; give the directory that holds it", .0.display())]
    NotDirectory(PathBuf),
    /// The caller may not look into it.
    #[error("cannot share `{}`: you may not list or enter it; check its permissions", .0.display())]
    Forbidden(PathBuf),
    /// Never shared.
    #[error("cannot share `{}`", .0.display())]
    Refused(PathBuf, #[source] Refusal),
    /// The file system says something else.
    #[error("cannot share `{}`", .0.display())]
    Io(PathBuf, #[source] io::Error),
    /// The workspace's own path is of no use in the guest.
    #[error("cannot share `{}` at its own path", .0.display())]
    OwnPath(PathBuf, #[source] GuestPathError),
    /// Two shares at one place.
    #[error("two shares are to be mounted on `{}`; give each its own", .0.display())]
    Twice(PathBuf),
    /// A share that would hide the workspace.
    #[error("a share on `{}` would hide the workspace; choose a path that is not above it", .0.display())]
    HidesWorkspace(PathBuf),
    /// A mount point inside a share that does not exist. qvm does not make it, as that would
    /// leave a stray directory on the host.
    #[error("`{}` lies inside another share and is no directory there; create it first, or choose a path outside", .0.display())]
    NoMountPoint(PathBuf),
    /// More than [`MOST_SHARES`].
    #[error("at most {MOST_SHARES} directories can be shared; share one above them")]
    TooMany,
}

/// Opens the workspace. `given` is the value of `-d`, or `None` for the current directory.
///
/// # Errors
/// [`ShareError`].
pub fn workspace(
    given: Option<&Path>,
    cwd: &Path,
    places: &Places,
    read_only: bool,
) -> Result<Share, ShareError> {
    let (host, dir) = match (given, open(given.unwrap_or(Path::new(".")), cwd, places)) {
        (Some(word), Err(ShareError::Missing(_))) if is_word(word) => {
            return Err(ShareError::NotDetach(word.into()));
        }
        (_, opened) => opened?,
    };
    let guest =
        guest_path::normalise(&host).map_err(|why| ShareError::OwnPath(host.clone(), why))?;
    Ok(Share { tag: agent_protocol::WORKSPACE_TAG.into(), host, dir, guest, read_only })
}

/// Opens the further shares and puts them in mount order behind the workspace: what lies above
/// comes before what lies below.
///
/// # Errors
/// [`ShareError`].
pub fn others(
    workspace: Share,
    args: &[ShareArg],
    cwd: &Path,
    places: &Places,
) -> Result<Vec<Share>, ShareError> {
    let mut more = Vec::new();
    for arg in args {
        if workspace.guest == arg.guest || more.iter().any(|s: &Share| s.guest == arg.guest) {
            return Err(ShareError::Twice(arg.guest.clone()));
        }
        if workspace.guest.starts_with(&arg.guest) {
            return Err(ShareError::HidesWorkspace(arg.guest.clone()));
        }
        let (host, dir) = open(&arg.source, cwd, places)?;
        more.push(Share {
            tag: String::new(),
            host,
            dir,
            guest: arg.guest.clone(),
            read_only: arg.read_only,
        });
    }
    more.sort_by_key(|share| share.guest.components().count());
    let mut all = vec![workspace];
    for mut share in more {
        share.tag = format!("share{}", all.len());
        check_mount_point(&all, &share.guest)?;
        all.push(share);
    }
    if all.len() > MOST_SHARES { Err(ShareError::TooMany) } else { Ok(all) }
}

/// Resolves, checks, opens and checks again.
fn open(given: &Path, cwd: &Path, places: &Places) -> Result<(PathBuf, OwnedFd), ShareError> {
    let name = || given.to_path_buf();
    let failed = |e: io::Error| match e.kind() {
        io::ErrorKind::NotFound => ShareError::Missing(name()),
        io::ErrorKind::NotADirectory => ShareError::NotDirectory(name()),
        io::ErrorKind::PermissionDenied => ShareError::Forbidden(name()),
        _ => ShareError::Io(name(), e),
    };
    // An empty path, as from an unset shell variable, must not come to mean the current directory.
    if given.as_os_str().is_empty() {
        return Err(ShareError::Missing(name()));
    }
    let real = sys::real_path(&cwd.join(given)).map_err(failed)?;
    let refused = |why| ShareError::Refused(name(), why);
    places.check(&real).map_err(refused)?;
    places.check_above(&real).map_err(refused)?;
    let dir = sys::open_directory(&real).map_err(failed)?;
    // A bind mount gives a directory a second path, so the opened one is compared by identity.
    if let Some((_, why)) = places.refused().find(|(path, _)| sys::same_directory(&dir, path)) {
        return Err(refused(why));
    }
    sys::usable(&dir).map_err(failed)?;
    Ok((real, dir))
}

/// A mount point inside an earlier share must exist there. The deepest such share decides.
fn check_mount_point(earlier: &[Share], guest: &Path) -> Result<(), ShareError> {
    let around = earlier
        .iter()
        .filter(|s| guest.starts_with(&s.guest))
        .max_by_key(|s| s.guest.components().count());
    let below = around.and_then(|s| guest.strip_prefix(&s.guest).ok().map(|below| (s, below)));
    match below {
        Some((share, below)) if !sys::is_directory_beneath(&share.dir, below) => {
            Err(ShareError::NoMountPoint(guest.into()))
        }
        _ => Ok(()),
    }
}

/// A single plain word, as somebody writes who takes `-d` for detach.
fn is_word(path: &Path) -> bool {
    let text = path.as_os_str().as_encoded_bytes();
    !text.is_empty() && !text.contains(&b'/') && !text.starts_with(b".")
}

#[cfg(test)]
#[path = "share_test.rs"]
mod tests;
