//! macOS.

use std::io;
use std::os::fd::OwnedFd;

use rustix::io::{FdFlags, fcntl_setfd};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, socketpair};

/// For receiving descriptors.
pub(crate) const RECEIVE: RecvFlags = RecvFlags::empty();
/// For sending to a peer that may be gone.
pub(crate) const SEND: SendFlags = SendFlags::empty();

/// Who receives a connection says so: until then it must stay open.
pub(crate) const ACKNOWLEDGED: bool = true;

/// Takes a descriptor that was received with [`RECEIVE`].
pub(crate) fn received(fd: OwnedFd) -> io::Result<OwnedFd> {
    fcntl_setfd(&fd, FdFlags::CLOEXEC)?;
    Ok(fd)
}

/// Makes the two ends of a [`link`](crate::link).
///
/// # Errors
/// No descriptors are left.
pub fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let (one, other) =
        socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::empty(), None)?;
    Ok((received(one)?, received(other)?))
}
