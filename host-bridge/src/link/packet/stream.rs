//! On a stream: four bytes with the length, little-endian, then the packet. A descriptor comes
//! with the first byte, so the length is received by itself, and nothing of the next packet with
//! this one.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, SendAncillaryBuffer, SendAncillaryMessage, recvmsg, sendmsg,
};

use super::{MAX_PACKET, Received};
use crate::sys::{RECEIVE, SEND};

/// Bytes ahead of a packet.
const HEAD: usize = 4;

/// Receives packets, also where they come in pieces.
pub(in crate::link) struct Inbox {
    head: [u8; HEAD],
    body: Vec<u8>,
    /// Bytes of the head and the body that are there.
    filled: usize,
    socket: Option<OwnedFd>,
}

impl Inbox {
    pub(in crate::link) fn new() -> Self {
        Self { head: [0; HEAD], body: vec![0; MAX_PACKET], filled: 0, socket: None }
    }

    /// Receives a packet; nothing at the end of the connection, which a packet of impossible
    /// length is too. What has come stays when the rest would block.
    pub(in crate::link) fn receive(
        &mut self,
        socket: BorrowedFd<'_>,
    ) -> io::Result<Option<Received<'_>>> {
        loop {
            let length = usize::try_from(u32::from_le_bytes(self.head)).unwrap_or(usize::MAX);
            let missing = match self.filled {
                0..HEAD => self.head.get_mut(self.filled..),
                _ if length > MAX_PACKET => return Ok(None),
                filled if filled == HEAD + length => break,
                filled => self.body.get_mut(filled - HEAD..length),
            };
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
            let mut control = RecvAncillaryBuffer::new(&mut space);
            let mut parts = [IoSliceMut::new(missing.unwrap_or_default())];
            match recvmsg(socket, &mut parts, &mut control, RECEIVE) {
                Ok(received) if received.bytes > 0 => self.filled += received.bytes,
                Ok(_) | Err(Errno::CONNRESET) => return Ok(None),
                Err(Errno::INTR) => continue,
                Err(errno) => return Err(errno.into()),
            }
            if let Some(descriptor) = super::descriptor(&mut control)? {
                self.socket = Some(descriptor);
            }
        }
        let length = std::mem::take(&mut self.filled) - HEAD;
        let socket = self.socket.take();
        Ok(Some(Received { bytes: self.body.get(..length).unwrap_or_default(), socket }))
    }
}

/// Sends a packet. Nothing is sent when not even its beginning finds room; where only the
/// beginning does, which the short ones of a bridge always do, it waits for more.
pub(super) fn send(
    socket: BorrowedFd<'_>,
    bytes: &[u8],
    descriptor: Option<BorrowedFd<'_>>,
) -> io::Result<()> {
    let length = u32::try_from(bytes.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let head = length.to_le_bytes();
    let descriptors = descriptor.map(|d| [d]);
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if let Some(descriptors) = &descriptors {
        control.push(SendAncillaryMessage::ScmRights(descriptors));
    }
    let parts = [IoSlice::new(&head), IoSlice::new(bytes)];
    let mut sent = rustix::io::retry_on_intr(|| sendmsg(socket, &parts, &mut control, SEND))?;
    while sent < HEAD + bytes.len() {
        let rest = match sent {
            0..HEAD => head.get(sent..),
            _ => bytes.get(sent - HEAD..),
        };
        match rustix::net::send(socket, rest.unwrap_or_default(), SEND) {
            Ok(more) => sent += more,
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => {
                // An interruption is as good as an event: it is tried again.
                let _ = poll(&mut [PollFd::new(&socket, PollFlags::OUT)], None);
            }
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "stream_test.rs"]
mod tests;
