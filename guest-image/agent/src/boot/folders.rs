//! Folders along a path, with the right owners.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, chown};
use std::path::{Component, Path, PathBuf};

use agent_protocol::User;

use crate::log;

/// Makes the caller's home, empty, and where missing the folders above it.
pub fn make_home(user: &User) {
    // Root's own, which not every distribution has in its root.
    let _ = fs::DirBuilder::new().mode(0o700).create("/root");
    let home = Path::new(OsStr::from_bytes(&user.home));
    let result = make(home, home, user.uid, user.gid);
    if let Err(error) = result {
        log::warn(format_args!("cannot make the home directory {}: {error}", home.display()));
    }
    // Where programs of a login session keep their sockets.
    let runtime = PathBuf::from(format!("/run/user/{}", user.uid));
    if make(&runtime, &runtime, user.uid, user.gid).is_ok() {
        let _ = fs::set_permissions(&runtime, std::os::unix::fs::PermissionsExt::from_mode(0o700));
    }
}

/// Makes `path` and what is missing above it. Those made at or below `own` belong to the user,
/// the others to root; folders that exist stay as they are, but a home that exists in the image
/// goes to its user.
///
/// # Errors
/// What making a folder says, `ENOTDIR` where something else is in the way.
pub fn make(path: &Path, own: &Path, uid: u32, gid: u32) -> io::Result<()> {
    let mut at = PathBuf::new();
    for component in path.components() {
        at.push(component);
        if component == Component::RootDir {
            continue;
        }
        match fs::DirBuilder::new().mode(0o755).create(&at) {
            Ok(()) if at.starts_with(own) => chown(&at, Some(uid), Some(gid))?,
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if !at.is_dir() {
                    return Err(io::ErrorKind::NotADirectory.into());
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
