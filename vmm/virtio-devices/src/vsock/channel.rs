//! Handing sockets to the process that serves a port.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage,
};

use super::packet::Key;
use crate::sys;

/// Bytes in a channel's message: two port numbers.
const MESSAGE_SIZE: usize = 8;

/// Who is at the other end of an accepted connection. The guest chose the numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerInfo {
    /// The guest's port.
    pub guest_port: u32,
    /// The host's port, one of those that the channel was registered for.
    pub host_port: u32,
}

/// A channel: one end for the device ([`HostPort::channel`](super::HostPort)), one for the process
/// that serves the port, which calls [`accept`] on it. Both block, and neither is passed on to
/// programs that are executed.
///
/// `SOCK_SEQPACKET` on Linux, `SOCK_STREAM` on macOS, which keeps messages with descriptors apart
/// as well.
///
/// # Errors
/// The process has no descriptor left.
pub fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    sys::channel_pair()
}

/// Takes the next connection from a port's channel; nothing when the device is gone.
///
/// The stream blocks. Its other end belongs to the device: writing to a guest that does not read
/// blocks once about half a mebibyte is on its way; a guest that closes is the end of the stream.
///
/// # Errors
/// `WouldBlock` when the channel does not block and no connection waits, `InvalidData` for a
/// message that the device would not send, else what `recvmsg` says.
pub fn accept(channel: BorrowedFd<'_>) -> io::Result<Option<(PeerInfo, UnixStream)>> {
    let mut message = [0; MESSAGE_SIZE];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received = rustix::io::retry_on_intr(|| {
        let mut parts = [IoSliceMut::new(&mut message)];
        rustix::net::recvmsg(channel, &mut parts, &mut control, sys::RECEIVE)
    })?;
    let mut descriptors: Vec<OwnedFd> = Vec::new();
    for part in control.drain() {
        if let RecvAncillaryMessage::ScmRights(received) = part {
            descriptors.extend(received);
        }
    }
    for descriptor in &descriptors {
        sys::keep_from_programs(descriptor)?;
    }
    if received.bytes == 0 && descriptors.is_empty() {
        return Ok(None);
    }
    let truncated = ReturnFlags::TRUNC | ReturnFlags::CTRUNC;
    if received.bytes != MESSAGE_SIZE || received.flags.intersects(truncated) {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let [descriptor] =
        <[OwnedFd; 1]>::try_from(descriptors).map_err(|_| io::ErrorKind::InvalidData)?;
    if sys::ACKNOWLEDGED {
        acknowledge(channel);
    }
    let [a, b, c, d, e, f, g, h] = message;
    let peer = PeerInfo {
        guest_port: u32::from_le_bytes([a, b, c, d]),
        host_port: u32::from_le_bytes([e, f, g, h]),
    };
    Ok(Some((peer, UnixStream::from(descriptor))))
}

/// Tells the device that a stream has arrived (`transit`). One that is gone need not know.
fn acknowledge(channel: BorrowedFd<'_>) {
    let _ = rustix::io::retry_on_intr(|| rustix::net::send(channel, &[0], sys::SEND));
}

/// Sends `stream` over `channel`, without waiting.
///
/// # Errors
/// The channel is full, or nobody holds its other end.
pub(super) fn offer(channel: &OwnedFd, key: Key, stream: &UnixStream) -> io::Result<()> {
    let mut message = [0; MESSAGE_SIZE];
    let ports = [key.guest_port.to_le_bytes(), key.host_port.to_le_bytes()];
    message.copy_from_slice(ports.as_flattened());
    let descriptors = [stream.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    control.push(SendAncillaryMessage::ScmRights(&descriptors));
    let sent = rustix::io::retry_on_intr(|| {
        rustix::net::sendmsg(channel, &[IoSlice::new(&message)], &mut control, sys::SEND)
    })?;
    // Never so, see `channel_pair`; what follows would make no sense to the receiver.
    if sent != MESSAGE_SIZE {
        return Err(io::ErrorKind::WriteZero.into());
    }
    Ok(())
}

#[cfg(test)]
#[path = "channel_test.rs"]
mod tests;
