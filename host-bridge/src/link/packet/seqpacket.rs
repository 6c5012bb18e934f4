//! On a socket that keeps packets apart.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::BorrowedFd;

use rustix::net::{
    RecvAncillaryBuffer, ReturnFlags, SendAncillaryBuffer, SendAncillaryMessage, recvmsg, sendmsg,
};

use super::{MAX_PACKET, Received};
use crate::sys::{RECEIVE, SEND};

/// Receives packets.
pub(in crate::link) struct Inbox(Vec<u8>);

impl Inbox {
    pub(in crate::link) fn new() -> Self {
        Self(vec![0; MAX_PACKET])
    }

    /// Receives a packet; nothing at the end of the connection.
    pub(in crate::link) fn receive(
        &mut self,
        socket: BorrowedFd<'_>,
    ) -> io::Result<Option<Received<'_>>> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let received = rustix::io::retry_on_intr(|| {
            recvmsg(socket, &mut [IoSliceMut::new(&mut self.0)], &mut control, RECEIVE)
        });
        let received = match received {
            Ok(received) => received,
            Err(rustix::io::Errno::CONNRESET) => return Ok(None),
            Err(e) => return Err(e.into()),
        };
        let socket = super::descriptor(&mut control)?;
        if received.bytes == 0 && socket.is_none() {
            return Ok(None);
        }
        let whole = !received.flags.contains(ReturnFlags::TRUNC);
        let length = if whole { received.bytes } else { 0 };
        Ok(Some(Received { bytes: self.0.get(..length).unwrap_or_default(), socket }))
    }
}

/// Sends a packet, whole or not at all.
pub(super) fn send(
    socket: BorrowedFd<'_>,
    bytes: &[u8],
    descriptor: Option<BorrowedFd<'_>>,
) -> io::Result<()> {
    let descriptors = descriptor.map(|d| [d]);
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if let Some(descriptors) = &descriptors {
        control.push(SendAncillaryMessage::ScmRights(descriptors));
    }
    rustix::io::retry_on_intr(|| sendmsg(socket, &[IoSlice::new(bytes)], &mut control, SEND))?;
    Ok(())
}
