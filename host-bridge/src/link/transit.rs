//! Connections on their way to a bridge.
//!
//! XNU ends a Unix socket that was sent over another and is open nowhere else, if any Unix socket
//! of the system is closed before it is received (`unp_gc` in bsd/kern/uipc_usrreq.c). So on macOS
//! the supplier keeps what it sent until the bridge says that it has it
//! ([`Ask::Arrived`](super::Ask)).

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Most connections that are kept. A bridge that says nothing has the oldest closed.
const MOST: usize = 64;

/// Connections that were sent, with the number of their answer.
#[derive(Debug, Default)]
pub(super) struct Transit(Mutex<VecDeque<(u32, OwnedFd)>>);

impl Transit {
    /// Keeps a connection that is sent with answer `id`.
    pub(super) fn keep(&self, id: u32, connection: OwnedFd) {
        let mut sent = self.lock();
        if sent.len() == MOST {
            sent.pop_front();
        }
        sent.push_back((id, connection));
    }

    /// That of answer `id` is there, or will not be.
    pub(super) fn arrived(&self, id: u32) {
        self.lock().retain(|(sent, _)| *sent != id);
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(u32, OwnedFd)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[path = "transit_test.rs"]
mod tests;
