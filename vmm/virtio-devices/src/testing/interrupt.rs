//! An interrupt that only remembers.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

use super::PATIENCE;
use crate::device::Interrupt;
use crate::event::Event;

#[derive(Debug, Default)]
struct Counts {
    queues: BTreeMap<u16, u64>,
    config: u64,
    resets: u64,
}

/// Counts interrupts; tests can wait for them.
#[derive(Debug, Default)]
pub struct RecordingInterrupt {
    counts: Mutex<Counts>,
    changed: Condvar,
}

impl RecordingInterrupt {
    /// Interrupts of queue `index` so far.
    #[must_use]
    pub fn queue_count(&self, index: u16) -> u64 {
        *self.counts.lock().unwrap().queues.get(&index).unwrap_or(&0)
    }

    /// Configuration changes so far.
    #[must_use]
    pub fn config_count(&self) -> u64 {
        self.counts.lock().unwrap().config
    }

    /// How often the device asked to be reset.
    #[must_use]
    pub fn reset_count(&self) -> u64 {
        self.counts.lock().unwrap().resets
    }

    /// Waits until queue `index` has interrupted `count` times. Panics when that takes long.
    pub fn wait_queue(&self, index: u16, count: u64) {
        self.wait(|counts| *counts.queues.get(&index).unwrap_or(&0) >= count);
    }

    /// Waits until the configuration has changed `count` times. Panics when that takes long.
    pub fn wait_config(&self, count: u64) {
        self.wait(|counts| counts.config >= count);
    }

    /// Waits until the device has asked to be reset. Panics when that takes long.
    pub fn wait_reset(&self) {
        self.wait(|counts| counts.resets > 0);
    }

    /// Waits for any interrupt, at most `time`.
    pub(super) fn sleep(&self, time: Duration) {
        let counts = self.counts.lock().unwrap();
        drop(self.changed.wait_timeout(counts, time).unwrap());
    }

    fn wait(&self, done: impl Fn(&Counts) -> bool) {
        let start = Instant::now();
        let mut counts = self.counts.lock().unwrap();
        while !done(&counts) {
            assert!(start.elapsed() < PATIENCE, "no interrupt: {counts:?}");
            counts = self.changed.wait_timeout(counts, PATIENCE).unwrap().0;
        }
    }

    fn note(&self, change: impl FnOnce(&mut Counts)) {
        change(&mut self.counts.lock().unwrap());
        self.changed.notify_all();
    }
}

impl Interrupt for RecordingInterrupt {
    fn queue(&self, index: u16) {
        self.note(|counts| *counts.queues.entry(index).or_default() += 1);
    }

    fn config(&self) {
        self.note(|counts| counts.config += 1);
    }

    fn needs_reset(&self) {
        self.note(|counts| counts.resets += 1);
    }

    fn queue_event(&self, _index: u16) -> Option<Event> {
        None
    }
}
