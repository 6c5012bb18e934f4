//! macOS. Descriptors are made without `FD_CLOEXEC` and marked after; a process that another
//! thread starts in between closes them before it does anything (see crate `confine`).
#![expect(unsafe_code, reason = "two C functions have no safe wrapper")]

pub mod names;
pub mod sockets;
pub mod sysctl;

use std::{
    fs::{File, OpenOptions},
    io,
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::{fs::OpenOptionsExt, net::UnixStream},
    },
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use rustix::{
    fs::{OFlags, fcntl_getfl, fcntl_setfl},
    io::{FdFlags, fcntl_setfd},
    net::{AddressFamily, RecvFlags, SendFlags, SocketType},
    process::{Resource, Rlimit, getrlimit, setrlimit},
};

/// Who receives descriptors says so: until then they must stay open.
pub const ACKNOWLEDGED: bool = true;
/// For receiving descriptors.
pub const RECEIVE: RecvFlags = RecvFlags::empty();
/// For sending to a peer that may be gone: Rust programs ignore `SIGPIPE`.
pub const SEND: SendFlags = SendFlags::empty();

/// Takes a descriptor that was received with [`RECEIVE`].
pub fn received(fd: OwnedFd) -> io::Result<OwnedFd> {
    fcntl_setfd(&fd, FdFlags::CLOEXEC)?;
    Ok(fd)
}

/// A Unix stream socket that does not block.
pub fn stream_nonblocking() -> io::Result<OwnedFd> {
    let socket = received(rustix::net::socket(AddressFamily::UNIX, SocketType::STREAM, None)?)?;
    fcntl_setfl(&socket, fcntl_getfl(&socket)? | OFlags::NONBLOCK)?;
    Ok(socket)
}

/// A pipe: the end to read from, the one to write to.
pub fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (read, write) = rustix::pipe::pipe()?;
    Ok((received(read)?, received(write)?))
}

/// The same; neither end blocks.
pub fn pipe_nonblocking() -> io::Result<(OwnedFd, OwnedFd)> {
    let (read, write) = pipe()?;
    for end in [&read, &write] {
        fcntl_setfl(end, fcntl_getfl(end)? | OFlags::NONBLOCK)?;
    }
    Ok((read, write))
}

/// Files that still have a name.
static NAMED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// An empty file, gone when nobody has it open, once [`settle`] was called. Until then it keeps its
/// name, by which the sandbox of who is given it knows it.
pub fn memory_file(name: &str) -> io::Result<File> {
    let mut tail = [0; 8];
    random(&mut tail)?;
    let name = name.replace(['/', ' '], "-");
    let name = format!("{}{name}-{:016x}", sockets::MEMORY, u64::from_ne_bytes(tail));
    let path = names::folder()?.join(name);
    let file =
        OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
    NAMED.lock().unwrap_or_else(PoisonError::into_inner).push(path);
    Ok(file)
}

/// What was made by [`memory_file`] has arrived: its name is removed. After a session that was
/// killed before, the next one does so.
pub fn settle() {
    for path in NAMED.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
        let _ = std::fs::remove_file(path);
    }
}

/// Lets this process open as many files as the system always allows (`OPEN_MAX`), if its user may:
/// a terminal lets it have 256, and each connection of a guest's is one or two.
pub fn enough_files() {
    const OPEN_MAX: u64 = 10240;
    let limit = getrlimit(Resource::Nofile);
    let enough = limit.maximum.map_or(OPEN_MAX, |most| most.min(OPEN_MAX));
    if limit.current.is_some_and(|current| current < enough) {
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(enough), ..limit });
    }
}

/// Where files of running processes lie.
pub fn own_folder() -> Option<PathBuf> {
    names::folder().ok()
}

/// This program, to be executed anew.
pub fn own_program() -> io::Result<PathBuf> {
    std::env::current_exe()?.canonicalize()
}

/// Fills `bytes` with random ones.
pub fn random(bytes: &mut [u8]) -> io::Result<()> {
    // Most that it gives at a time.
    for part in bytes.chunks_mut(256) {
        // SAFETY: exactly the bytes of `part` are written.
        if unsafe { libc::getentropy(part.as_mut_ptr().cast(), part.len()) } < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

/// The user id of the process at the other end.
pub fn peer(stream: &UnixStream) -> io::Result<u32> {
    let (mut uid, mut gid) = (0, 0);
    // SAFETY: the socket is open, and two numbers are written.
    if unsafe { libc::getpeereid(stream.as_raw_fd(), &raw mut uid, &raw mut gid) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(uid)
}
