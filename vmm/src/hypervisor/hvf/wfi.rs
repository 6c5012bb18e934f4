//! How long a vCPU that waits for an interrupt may sleep.
//!
//! With its own interrupt controller the framework lets a vCPU wait by itself, as others have
//! measured with macOS 26. Where it stops the guest instead, the thread sleeps: until the guest's
//! timer, until a device raises a line, until somebody kicks. What it cannot see is an interrupt
//! that another vCPU sends through the framework's controller; so the sleep is bounded, and the
//! guest, entered again, takes the interrupt or waits anew. A wait that ends early is always
//! allowed.

use std::time::Duration;

/// Longest sleep where other vCPUs may send interrupts: a thousand entries a second, about one
/// hundredth of a processor.
pub const WITH_OTHERS: Duration = Duration::from_millis(1);
/// Longest sleep of an only vCPU.
pub const ALONE: Duration = Duration::from_millis(100);

/// How long to sleep at most, when the guest's timer fires in `timer` and the machine has `cpus`
/// vCPUs. Zero: not at all.
#[must_use]
pub fn longest(timer: Option<Duration>, cpus: usize) -> Duration {
    let bound = if cpus > 1 { WITH_OTHERS } else { ALONE };
    timer.map_or(bound, |timer| timer.min(bound))
}

#[cfg(test)]
#[path = "wfi_test.rs"]
mod tests;
