//! Linux.

use std::io;
use std::os::fd::OwnedFd;

use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, socketpair};

/// For receiving descriptors.
pub(crate) const RECEIVE: RecvFlags = RecvFlags::CMSG_CLOEXEC;
/// For sending to a peer that may be gone.
pub(crate) const SEND: SendFlags = SendFlags::NOSIGNAL;

/// Nobody is told that a connection has arrived, which cannot be lost on its way.
pub(crate) const ACKNOWLEDGED: bool = false;

/// Takes a descriptor that was received with [`RECEIVE`].
#[allow(clippy::unnecessary_wraps, reason = "it takes a call elsewhere")]
pub(crate) fn received(fd: OwnedFd) -> io::Result<OwnedFd> {
    Ok(fd)
}

/// Makes the two ends of a [`link`](crate::link).
///
/// # Errors
/// No descriptors are left.
pub fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?)
}
