//! Packets with at most one descriptor each.
//!
//! A `SOCK_SEQPACKET` socket keeps them apart. macOS has none for Unix sockets: there they are on
//! a stream, and the length goes ahead.

#[cfg(target_os = "linux")]
#[path = "packet/seqpacket.rs"]
mod imp;
#[cfg(target_os = "macos")]
#[path = "packet/stream.rs"]
mod imp;
// It works on Linux too, so its tests run there.
#[cfg(all(test, target_os = "linux"))]
#[path = "packet/stream.rs"]
mod stream;

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{MAX_PACKET, Packet};

pub(super) use imp::Inbox;

/// A packet that arrived.
pub(super) struct Received<'a> {
    /// What it says; nothing if it was too long.
    pub bytes: &'a [u8],
    /// The descriptor that came along; surplus ones are closed.
    pub socket: Option<OwnedFd>,
}

/// Sends `packet` and perhaps a descriptor. One at a time: others would come in between.
pub(super) fn send<T: Serialize>(
    socket: BorrowedFd<'_>,
    packet: &Packet<T>,
    descriptor: Option<BorrowedFd<'_>>,
) -> io::Result<()> {
    let bytes = serde_json::to_vec(packet)?;
    if bytes.len() > MAX_PACKET {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    imp::send(socket, &bytes, descriptor)
}

/// What `bytes` say, if they are a packet of that kind.
pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Option<Packet<T>> {
    serde_json::from_slice(bytes).ok()
}

/// The last descriptor of what was received.
fn descriptor(control: &mut RecvAncillaryBuffer<'_>) -> io::Result<Option<OwnedFd>> {
    let mut descriptor = None;
    for part in control.drain() {
        if let RecvAncillaryMessage::ScmRights(mut received) = part {
            descriptor = received.next();
        }
    }
    descriptor.map(crate::sys::received).transpose()
}
