//! Sockets on their way to who serves a port.
//!
//! XNU ends a Unix socket that was sent over another and is open nowhere else, if any Unix socket
//! of the whole system is closed before it is received: its search for sockets that nobody can
//! reach any more looks into the buffers of those that are on their way themselves, and of no
//! others (`unp_gc` in bsd/kern/uipc_usrreq.c of xnu-11417). Whoever receives it then reads its
//! end. So on macOS what was sent stays open here until its receiver says, by a byte over the
//! channel, that it has it ([`accept`](super::accept)):
//!
//! ```text
//!  offer ── stream, ports ──▶ accept        keep ─▶ on its way ─▶ settle: closed here
//!        ◀── a byte a stream ──                      (a byte, or nobody there any more)
//! ```
//!
//! Meanwhile a stream that the receiver closes does not end for the guest, so the bytes are looked
//! for every few milliseconds.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};

/// After this time it is looked whether streams have arrived.
pub(super) const SETTLE_TIME: Duration = Duration::from_millis(10);

/// Streams on their way over one channel, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Transit(VecDeque<UnixStream>);

impl Transit {
    /// How many have not arrived.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Keeps a stream that was sent.
    pub(super) fn keep(&mut self, stream: UnixStream) {
        self.0.push_back(stream);
    }

    /// Closes those that have arrived over `channel`, or never will. Does not wait.
    pub(super) fn settle(&mut self, channel: &OwnedFd) {
        let mut said = [0; 64];
        while !self.0.is_empty() {
            match recv(channel, &mut said[..], RecvFlags::DONTWAIT) {
                Ok((0, _)) => self.0.clear(),
                Ok((count, _)) => drop(self.0.drain(..count.min(self.0.len()))),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return,
                Err(_) => self.0.clear(),
            }
        }
    }
}

#[cfg(test)]
#[path = "transit_test.rs"]
mod tests;
