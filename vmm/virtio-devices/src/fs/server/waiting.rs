//! Requests that wait for a lock (`FUSE_SETLKW`).

use rustix::io::Errno;

use crate::fs::passthrough::Passthrough;
use crate::fs::wire::LkIn;

/// Most requests that wait at once. Each keeps its place in the queue, so this is well below a
/// queue's size.
pub const MAX_WAITING: usize = 128;

/// A request that waits no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finished {
    /// The number it had in [`Outcome::Waits`](super::Outcome::Waits).
    pub number: u64,
    /// What its reply says.
    pub result: Result<(), Errno>,
    /// The request's own name, for the reply.
    pub unique: u64,
}

struct Waiter {
    number: u64,
    unique: u64,
    node: u64,
    request: LkIn,
    ended: Option<Errno>,
}

/// The requests that wait, first come first.
#[derive(Default)]
pub struct Waiting {
    waiters: Vec<Waiter>,
    next: u64,
}

impl Waiting {
    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.waiters.is_empty()
    }

    /// Takes a request in.
    ///
    /// # Errors
    /// `ENOLCK` when too many wait.
    pub fn add(&mut self, unique: u64, node: u64, request: LkIn) -> Result<u64, Errno> {
        if self.waiters.len() >= MAX_WAITING {
            return Err(Errno::NOLCK);
        }
        let number = self.next;
        self.next = self.next.wrapping_add(1);
        self.waiters.push(Waiter { number, unique, node, request, ended: None });
        Ok(number)
    }

    /// Ends the waiting of the request with this name. False when none waits.
    pub fn interrupt(&mut self, unique: u64) -> bool {
        let mut found = false;
        for waiter in &mut self.waiters {
            if waiter.unique == unique {
                waiter.ended = Some(Errno::INTR);
                found = true;
            }
        }
        found
    }

    /// Ends all waiting.
    pub fn give_up(&mut self, error: Errno) {
        for waiter in &mut self.waiters {
            waiter.ended = Some(error);
        }
    }

    /// Tries each lock again and takes out those that need not wait any more.
    pub fn finished(&mut self, passthrough: &mut Passthrough) -> Vec<Finished> {
        let mut finished = Vec::new();
        self.waiters.retain(|waiter| {
            let result = match waiter.ended {
                Some(error) => Err(error),
                None => passthrough.setlk(waiter.node, &waiter.request),
            };
            if result == Err(Errno::AGAIN) && waiter.ended.is_none() {
                return true;
            }
            finished.push(Finished { number: waiter.number, result, unique: waiter.unique });
            false
        });
        finished
    }
}
