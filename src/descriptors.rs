//! Handing descriptors over a Unix socket (`SCM_RIGHTS`, unix(7)), with some bytes.

use std::{
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use rustix::{
    io::retry_on_intr,
    net::{
        RecvAncillaryBuffer, RecvAncillaryMessage, SendAncillaryBuffer, SendAncillaryMessage,
        recvmsg, sendmsg,
    },
};

use crate::sys;

/// Most descriptors at a time: a command with three pipes.
const MOST: usize = 4;

/// Sends `bytes`, which must not be empty, and copies of at most four descriptors.
///
/// # Errors
/// What `sendmsg` says; `BrokenPipe` instead of a signal.
pub fn send(socket: impl AsFd, bytes: &[u8], descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if descriptors.len() > MOST {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    if !descriptors.is_empty() {
        control.push(SendAncillaryMessage::ScmRights(descriptors));
    }
    let parts = [IoSlice::new(bytes)];
    retry_on_intr(|| sendmsg(&socket, &parts, &mut control, sys::SEND))?;
    Ok(())
}

/// Receives into `buffer`: how many bytes, 0 at the end, and the descriptors that came with them.
///
/// # Errors
/// What `recvmsg` says.
pub fn receive(socket: impl AsFd, buffer: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received = retry_on_intr(|| {
        let mut parts = [IoSliceMut::new(buffer)];
        recvmsg(&socket, &mut parts, &mut control, sys::RECEIVE)
    })?;
    let mut descriptors = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(received) = message {
            for descriptor in received {
                descriptors.push(sys::received(descriptor)?);
            }
        }
    }
    Ok((received.bytes, descriptors))
}

#[cfg(test)]
#[path = "descriptors_test.rs"]
mod tests;
