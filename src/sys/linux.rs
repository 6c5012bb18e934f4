//! Linux.

pub mod names;

use std::{
    fs::File,
    io,
    os::{fd::OwnedFd, unix::net::UnixStream},
    path::PathBuf,
};

use rustix::{
    fs::MemfdFlags,
    net::{
        AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, socket_with,
        sockopt::socket_peercred,
    },
    pipe::{PipeFlags, pipe_with},
    rand::{GetRandomFlags, getrandom},
};

/// Nobody is told that descriptors have arrived, which cannot be lost on their way.
pub const ACKNOWLEDGED: bool = false;
/// For receiving descriptors.
pub const RECEIVE: RecvFlags = RecvFlags::CMSG_CLOEXEC;
/// For sending to a peer that may be gone.
pub const SEND: SendFlags = SendFlags::NOSIGNAL;

/// Takes a descriptor that was received with [`RECEIVE`].
#[allow(clippy::unnecessary_wraps, reason = "it takes a call elsewhere")]
pub fn received(fd: OwnedFd) -> io::Result<OwnedFd> {
    Ok(fd)
}

/// A Unix stream socket that does not block.
pub fn stream_nonblocking() -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    Ok(socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?)
}

/// A pipe: the end to read from, the one to write to.
pub fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(pipe_with(PipeFlags::CLOEXEC)?)
}

/// The same; neither end blocks.
pub fn pipe_nonblocking() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?)
}

/// An empty file without a name, gone when nobody has it open.
pub fn memory_file(name: &str) -> io::Result<File> {
    Ok(rustix::fs::memfd_create(name, MemfdFlags::CLOEXEC)?.into())
}

/// What was made by [`memory_file`] has arrived: nothing is to be done here.
pub fn settle() {}

/// Where files of running processes lie: nowhere, their names are abstract and memory has none.
pub fn own_folder() -> Option<PathBuf> {
    None
}

/// Nothing to do: a thousand files may be open, which is enough.
pub fn enough_files() {}

/// This program, to be executed anew: also after it was replaced on disk.
#[allow(clippy::unnecessary_wraps, reason = "it has to be found elsewhere")]
pub fn own_program() -> io::Result<PathBuf> {
    Ok("/proc/self/exe".into())
}

/// Fills `bytes` with random ones.
pub fn random(bytes: &mut [u8]) -> io::Result<()> {
    getrandom(bytes, GetRandomFlags::empty())?;
    Ok(())
}

/// The user id of the process at the other end.
pub fn peer(stream: &UnixStream) -> io::Result<u32> {
    Ok(socket_peercred(stream)?.uid.as_raw())
}
