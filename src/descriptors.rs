//! Handing descriptors over a Unix socket (`SCM_RIGHTS`, unix(7)), with some bytes.
//!
//! XNU ends a Unix socket that was sent over another and is open nowhere else, if any Unix socket
//! of the system is closed before it is received (`unp_gc` in bsd/kern/uipc_usrreq.c). So on macOS
//! who receives descriptors answers with a byte, and who sent them waits for it with them open.

use std::{
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::retry_on_intr,
    net::{
        RecvAncillaryBuffer, RecvAncillaryMessage, SendAncillaryBuffer, SendAncillaryMessage,
        recvmsg, sendmsg,
    },
};

use crate::sys;

/// Most descriptors at a time: a command with three pipes.
const MOST: usize = 4;

/// How long a receiver may take. One that is alive has received at once.
const PATIENCE: Timespec = Timespec { tv_sec: 60, tv_nsec: 0 };

/// Sends `bytes`, which must not be empty, and copies of at most four descriptors, which may be
/// closed then. Waits for the receiver where that is needed; nobody else may read meanwhile.
///
/// # Errors
/// As of [`send`]; `TimedOut`.
pub fn hand(socket: impl AsFd, bytes: &[u8], descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
    send(&socket, bytes, descriptors)?;
    if sys::ACKNOWLEDGED {
        arrival(&socket)?;
    }
    Ok(())
}

/// Waits for the word that what was sent has arrived. A receiver that is gone is no error.
fn arrival(socket: impl AsFd) -> io::Result<()> {
    let mut polled = [PollFd::new(&socket, PollFlags::IN)];
    if retry_on_intr(|| poll(&mut polled, Some(&PATIENCE)))? == 0 {
        return Err(io::ErrorKind::TimedOut.into());
    }
    let _ = retry_on_intr(|| rustix::io::read(&socket, &mut [0]));
    Ok(())
}

/// Sends `bytes`, which must not be empty, and copies of at most four descriptors, which stay open
/// at the sender.
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
    if sys::ACKNOWLEDGED && !descriptors.is_empty() {
        arrived(&socket);
    }
    Ok((received.bytes, descriptors))
}

/// Tells the sender, who need not be there any more.
fn arrived(socket: impl AsFd) {
    let _ = send(socket, &[0], &[]);
}

#[cfg(test)]
#[path = "descriptors_test.rs"]
mod tests;
