//! Joins two connections.

use std::io::{self, Read, Write};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use crate::command::ends::start;
use crate::sys::socket::Socket;

/// Most connections relayed at once. Each takes two threads; a program in the guest that opens
/// more waits in the listener's queue.
const MOST: usize = 256;

/// Bytes copied at once.
const CHUNK: usize = 64 << 10;

/// Counts the connections that are being relayed.
#[derive(Debug, Clone, Default)]
pub struct Slots(Arc<(Mutex<usize>, Condvar)>);

/// One of the [`Slots`], given back when dropped.
#[derive(Debug)]
pub struct Slot(Slots);

impl Slots {
    /// Waits for a free slot and takes it.
    pub fn take(&self) -> Slot {
        let (taken, freed) = &*self.0;
        let guard = taken.lock().unwrap_or_else(PoisonError::into_inner);
        let mut guard =
            freed.wait_while(guard, |taken| *taken >= MOST).unwrap_or_else(PoisonError::into_inner);
        *guard += 1;
        Slot(self.clone())
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let (taken, freed) = &*self.0.0;
        let mut guard = taken.lock().unwrap_or_else(PoisonError::into_inner);
        *guard = guard.saturating_sub(1);
        freed.notify_one();
    }
}

/// Copies both ways until both sides have ended, on two new threads; returns at once. The end of
/// one direction is passed on by itself; an error ends both.
///
/// # Errors
/// `EAGAIN` when there can be no more threads.
pub fn join(a: Socket, b: Socket, slot: Slot) -> io::Result<()> {
    let (a, b, slot) = (Arc::new(a), Arc::new(b), Arc::new(slot));
    let (there, back, held) = (Arc::clone(&a), Arc::clone(&b), Arc::clone(&slot));
    start("relay", move || {
        copy(&there, &back);
        drop(held);
    })?;
    start("relay", move || {
        copy(&b, &a);
        drop(slot);
    })
}

/// Copies one way.
fn copy(mut from: &Socket, mut to: &Socket) {
    let mut buffer = vec![0u8; CHUNK];
    loop {
        let result = match from.read(&mut buffer) {
            Ok(0) => return to.finish(),
            Ok(count) => to.write_all(buffer.get(..count).unwrap_or_default()),
            Err(error) => Err(error),
        };
        match result {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                from.abort();
                return to.abort();
            }
            _ => {}
        }
    }
}

#[cfg(test)]
#[path = "relay_test.rs"]
mod tests;
