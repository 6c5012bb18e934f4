//! Sockets with names in a folder of the user's own.
//!
//! | file | what |
//! |---|---|
//! | `KIND-DIGEST.lock` | locked (flock(2)) by who listens, for as long as it lives |
//! | `KIND-DIGEST.sock` | the socket |
//! | `memory-…` | what is passed on to a process that is being started |
//! | `model-…/server.sock` | a model server |
//!
//! A path of a socket is short (103 bytes), so it has a digest of the name; who listens there tells
//! the name. A process removes its files when it ends. One that was killed leaves them, but not the
//! lock: whoever next listens under that name, or lists all, takes the lock and removes them.
//! Whoever listens next removes the rest of what the killed left ([`sweep`]).

use std::{
    fs::{File, OpenOptions, remove_dir_all, remove_file},
    io,
    os::unix::{
        fs::{MetadataExt, OpenOptionsExt},
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::fs::{FlockOperation, flock};

/// Prefix of files that are passed on and have a name until they have arrived.
pub const MEMORY: &str = "memory-";
/// Prefix of folders of model servers.
pub const MODEL: &str = "model-";
/// The socket in a model server's folder.
pub const SERVER: &str = "server.sock";

/// What is older was left by a process that was killed: none takes as long to start.
const OLD: Duration = Duration::from_secs(3600);

/// Gives the name back when dropped.
#[derive(Debug)]
pub struct Name {
    path: PathBuf,
    _lock: File,
}

impl Drop for Name {
    fn drop(&mut self) {
        remove(&self.path);
    }
}

/// Where the files of a name are, without their endings.
fn place(folder: &Path, kind: &str, name: &str) -> PathBuf {
    folder.join(format!("{kind}-{:016x}", digest(name)))
}

/// FNV-1a.
fn digest(name: &str) -> u64 {
    let step = |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    name.bytes().fold(0xcbf2_9ce4_8422_2325, step)
}

fn socket(path: &Path) -> PathBuf {
    path.with_extension("sock")
}

fn lock_of(path: &Path) -> PathBuf {
    path.with_extension("lock")
}

/// Removes the files of a name, by who has its lock. Whoever comes next does what fails here.
fn remove(path: &Path) {
    let _ = remove_file(socket(path));
    let _ = remove_file(lock_of(path));
}

/// Takes the lock; nothing if somebody has it.
fn lock(path: &Path) -> io::Result<Option<File>> {
    let path = lock_of(path);
    loop {
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(false).mode(0o600).open(&path)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Ok(None),
            Err(errno) => return Err(errno.into()),
        }
        // Who had it may have removed it in between: then this is the lock of nothing.
        let same =
            |there: std::fs::Metadata| Ok::<_, io::Error>(there.ino() == file.metadata()?.ino());
        if std::fs::metadata(&path).and_then(same).unwrap_or(false) {
            return Ok(Some(file));
        }
    }
}

/// Listens under a name.
///
/// # Errors
/// `AddrInUse` if somebody else does.
pub fn listen(folder: &Path, kind: &str, name: &str) -> io::Result<(UnixListener, Name)> {
    let path = place(folder, kind, name);
    let lock = lock(&path)?.ok_or(io::ErrorKind::AddrInUse)?;
    let name = Name { path, _lock: lock };
    let socket = socket(&name.path);
    let _ = remove_file(&socket);
    Ok((UnixListener::bind(socket)?, name))
}

/// Connects to who listens under a name.
///
/// # Errors
/// `ConnectionRefused` or `NotFound` if nobody does.
pub fn connect(folder: &Path, kind: &str, name: &str) -> io::Result<UnixStream> {
    UnixStream::connect(socket(&place(folder, kind, name)))
}

/// Connections to all who listen. What those left who were killed is removed.
///
/// # Errors
/// If the folder cannot be read.
pub fn all(folder: &Path, kind: &str) -> io::Result<Vec<UnixStream>> {
    let mut all = Vec::new();
    for entry in folder.read_dir()?.flatten() {
        let path = entry.path();
        let name = entry.file_name();
        let digest = name
            .to_str()
            .and_then(|name| name.strip_prefix(kind)?.strip_prefix('-')?.strip_suffix(".lock"));
        if !digest.is_some_and(|digest| digest.bytes().all(|b| b.is_ascii_hexdigit())) {
            continue;
        }
        match lock(&path)? {
            Some(_lock) => remove(&path),
            None => all.extend(UnixStream::connect(socket(&path))),
        }
    }
    Ok(all)
}

/// Removes what processes left that were killed while they started another, or had a model server.
/// What cannot be removed stays.
pub fn sweep(folder: &Path) {
    for entry in folder.read_dir().into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        let begins = |prefix| name.to_str().is_some_and(|name| name.starts_with(prefix));
        if !begins(MEMORY) && !begins(MODEL) {
            continue;
        }
        let age = entry.metadata().and_then(|there| there.modified()).map(|time| time.elapsed());
        if !matches!(age, Ok(Ok(age)) if age > OLD) {
            continue;
        }
        if begins(MEMORY) {
            let _ = remove_file(path);
        } else if UnixStream::connect(path.join(SERVER)).is_err() {
            let _ = remove_dir_all(path);
        }
    }
}

#[cfg(test)]
#[path = "sockets_test.rs"]
mod tests;
