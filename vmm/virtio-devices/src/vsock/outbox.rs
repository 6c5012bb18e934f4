//! Bytes on their way to the host that its socket did not take yet.

use std::collections::VecDeque;
use std::io;
use std::os::fd::AsFd;

use rustix::io::Errno;

use crate::sys;

/// Capacity that an emptied outbox keeps, in bytes.
const KEPT: usize = 16 * 1024;

/// A queue of bytes. Its length is bounded by the credit that the guest has.
#[derive(Debug, Default)]
pub(super) struct Outbox(VecDeque<u8>);

impl Outbox {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn extend(&mut self, bytes: &[u8]) {
        self.0.extend(bytes);
    }

    /// Throws everything away; returns how much it was.
    pub(super) fn clear(&mut self) -> usize {
        std::mem::take(&mut self.0).len()
    }

    /// Sends until nothing is left or `socket` takes no more. Returns the number of bytes sent,
    /// and whether the socket would take more.
    ///
    /// # Errors
    /// The other end takes nothing any more.
    pub(super) fn flush(&mut self, socket: impl AsFd) -> io::Result<(usize, bool)> {
        let mut total = 0;
        let mut open = true;
        while open && !self.0.is_empty() {
            let (front, _) = self.0.as_slices();
            let (sent, more) = send(&socket, front)?;
            self.0.drain(..sent);
            total += sent;
            open = more;
        }
        if self.0.is_empty() && self.0.capacity() > KEPT {
            self.0 = VecDeque::new();
        }
        Ok((total, open))
    }
}

/// Sends as much of `bytes` as `socket` takes now. Returns how much that was, and whether it
/// would take more.
///
/// # Errors
/// The other end takes nothing any more.
pub(super) fn send(socket: impl AsFd, bytes: &[u8]) -> io::Result<(usize, bool)> {
    let mut total = 0;
    while let Some(rest) = bytes.get(total..).filter(|rest| !rest.is_empty()) {
        match rustix::net::send(&socket, rest, sys::SEND) {
            Ok(sent) => total += sent,
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => return Ok((total, false)),
            Err(error) => return Err(error.into()),
        }
    }
    Ok((total, true))
}
