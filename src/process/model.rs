//! A model server in its sandbox: a foreign program that reads files from the internet (GGUF)
//! and speaks to guests.
//!
//! The process starts the server as its one child, and then brings connections to the server's
//! socket to whoever holds the other end of its channel:
//!
//! ```text
//!  supervisor ── "?" ──▶ launcher ── connect ──▶ server.sock ── llama-server
//!       ◀── "+" and the connection, or "-" ──┘
//! ```

#[cfg(target_os = "linux")]
#[path = "model/linux.rs"]
mod imp;
#[cfg(target_os = "macos")]
#[path = "model/macos.rs"]
mod imp;

use std::{
    io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixStream,
    },
    path::Path,
};

use rustix::{
    event::{PollFd, PollFlags, poll},
    io::Errno,
    net::SocketAddrUnix,
};

#[cfg(target_os = "linux")]
pub use imp::SOCKET;
pub use imp::{ModelArgs, spawn_model};
pub(super) use imp::{ModelJob, run};

use crate::{descriptors, sys::stream_nonblocking};

/// Brings connections to `socket` until the caller is gone, by its channel or by `life`, or the
/// server ends, which is told by `true`.
fn bring(
    channel: &OwnedFd,
    server: &impl AsFd,
    life: Option<&OwnedFd>,
    socket: &Path,
) -> io::Result<bool> {
    loop {
        let mut polled = vec![
            PollFd::new(channel, PollFlags::IN),
            PollFd::from_borrowed_fd(server.as_fd(), PollFlags::IN),
        ];
        polled.extend(life.map(|life| PollFd::new(life, PollFlags::IN)));
        match poll(&mut polled, None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        let told: Vec<bool> = polled.iter().map(|polled| !polled.revents().is_empty()).collect();
        let is_told = |at: usize| told.get(at).copied().unwrap_or(false);
        if is_told(1) {
            return Ok(true);
        }
        if is_told(2) || (is_told(0) && !answer(channel, socket)?) {
            return Ok(false);
        }
    }
}

/// Answers one question; false when nobody asks any more.
fn answer(channel: &OwnedFd, socket: &Path) -> io::Result<bool> {
    let mut question = [0; 1];
    if rustix::io::retry_on_intr(|| rustix::io::read(channel, &mut question))? == 0 {
        return Ok(false);
    }
    match reach(socket) {
        Ok(stream) => descriptors::hand(channel, b"+", &[stream.as_fd()])?,
        Err(_) => descriptors::send(channel, b"-", &[])?,
    }
    Ok(true)
}

/// Connects to the server. A full backlog is no reason to wait: others ask too.
fn reach(path: &Path) -> io::Result<OwnedFd> {
    let socket = stream_nonblocking()?;
    rustix::net::connect(&socket, &SocketAddrUnix::new(path)?)?;
    Ok(socket)
}

/// Asks the launcher at the other end of `channel` for a connection to its server. One question
/// at a time.
///
/// # Errors
/// `ConnectionRefused` while the server does not listen, `BrokenPipe` when it is gone.
pub fn connect(channel: &OwnedFd) -> io::Result<UnixStream> {
    descriptors::send(channel, b"?", &[])?;
    match descriptors::receive(channel, &mut [0])? {
        (0, _) => Err(io::ErrorKind::BrokenPipe.into()),
        (_, mut streams) => {
            let stream = streams.pop().ok_or(io::ErrorKind::ConnectionRefused)?;
            let stream = UnixStream::from(stream);
            stream.set_nonblocking(false)?;
            Ok(stream)
        }
    }
}
