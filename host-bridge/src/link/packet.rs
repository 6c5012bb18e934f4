//! Packets on a `SOCK_SEQPACKET` socket, with at most one descriptor each.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{MAX_PACKET, Packet};

/// A packet that arrived.
pub(super) struct Received {
    /// Its length; longer than the buffer is never reported.
    pub length: usize,
    /// The descriptor that came along; surplus ones are closed.
    pub socket: Option<OwnedFd>,
}

/// Receives a packet into `buffer`; nothing at the end of the connection. A packet that does not
/// fit has length 0.
pub(super) fn receive(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<Option<Received>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received = rustix::io::retry_on_intr(|| {
        let mut parts = [IoSliceMut::new(buffer)];
        rustix::net::recvmsg(socket, &mut parts, &mut control, RecvFlags::CMSG_CLOEXEC)
    });
    let received = match received {
        Ok(received) => received,
        Err(rustix::io::Errno::CONNRESET) => return Ok(None),
        Err(e) => return Err(e.into()),
    };
    let mut descriptor = None;
    for part in control.drain() {
        if let RecvAncillaryMessage::ScmRights(mut received) = part {
            descriptor = received.next();
        }
    }
    if received.bytes == 0 && descriptor.is_none() {
        return Ok(None);
    }
    let whole = !received.flags.contains(ReturnFlags::TRUNC);
    let length = if whole { received.bytes } else { 0 };
    Ok(Some(Received { length, socket: descriptor }))
}

/// Sends `packet` and perhaps a descriptor.
pub(super) fn send<T: Serialize>(
    socket: BorrowedFd<'_>,
    packet: &Packet<T>,
    descriptor: Option<BorrowedFd<'_>>,
) -> io::Result<()> {
    let bytes = serde_json::to_vec(packet)?;
    if bytes.len() > MAX_PACKET {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let descriptors = descriptor.map(|d| [d]);
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if let Some(descriptors) = &descriptors {
        control.push(SendAncillaryMessage::ScmRights(descriptors));
    }
    rustix::io::retry_on_intr(|| {
        let parts = [IoSlice::new(&bytes)];
        rustix::net::sendmsg(socket.as_fd(), &parts, &mut control, SendFlags::NOSIGNAL)
    })?;
    Ok(())
}

/// What `bytes` say, if they are a packet of that kind.
pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Option<Packet<T>> {
    serde_json::from_slice(bytes).ok()
}
