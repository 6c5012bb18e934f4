//! Names of processes that listen: Unix sockets in a folder that only this user can enter, below
//! the one that macOS keeps for each user (`getconf DARWIN_USER_DIR`). That is not the temporary
//! folder, which macOS empties of what is three days old, and which programs in a sandbox may
//! write to that use the GPU, our own model server among them.
//!
//! See [`sockets`] for what is in it.
#![expect(unsafe_code, reason = "confstr is a C function")]

use std::{
    fs::DirBuilder,
    io,
    os::unix::{
        ffi::OsStringExt,
        fs::{DirBuilderExt, MetadataExt},
        net::{UnixListener, UnixStream},
    },
    path::PathBuf,
};

use super::sockets;
pub use sockets::Name;

/// The user's own folder.
fn own() -> PathBuf {
    let mut text = vec![0_u8; 1024];
    // SAFETY: at most that many bytes are written, a NUL at the end.
    let length =
        unsafe { libc::confstr(libc::_CS_DARWIN_USER_DIR, text.as_mut_ptr().cast(), text.len()) };
    match length {
        2..=1024 => {
            text.truncate(length - 1);
            PathBuf::from(std::ffi::OsString::from_vec(text))
        }
        _ => std::env::temp_dir(),
    }
}

/// qvm's folder in there, made if it is not.
///
/// # Errors
/// It cannot be made, or is not this user's alone.
pub fn folder() -> io::Result<PathBuf> {
    let path = own().join("qvm");
    match DirBuilder::new().mode(0o700).create(&path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let there = std::fs::symlink_metadata(&path)?;
    let uid = rustix::process::getuid().as_raw();
    if !there.is_dir() || there.uid() != uid || there.mode() & 0o077 != 0 {
        let text = format!("{} is not a folder of yours alone; remove it", path.display());
        return Err(io::Error::other(text));
    }
    path.canonicalize()
}

/// Listens under a name.
///
/// # Errors
/// `AddrInUse` if somebody else does.
pub fn listen(kind: &str, name: &str) -> io::Result<(UnixListener, Name)> {
    let folder = folder()?;
    sockets::sweep(&folder);
    sockets::listen(&folder, kind, name)
}

/// Connects to who listens under a name.
///
/// # Errors
/// `ConnectionRefused` or `NotFound` if nobody does.
pub fn connect(kind: &str, name: &str) -> io::Result<UnixStream> {
    sockets::connect(&folder()?, kind, name)
}

/// Connections to all of this user who listen.
///
/// # Errors
/// If the folder cannot be read.
pub fn all(kind: &str) -> io::Result<Vec<UnixStream>> {
    sockets::all(&folder()?, kind)
}
