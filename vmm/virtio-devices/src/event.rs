//! An event that one thread waits for and another signals: a doorbell, an interrupt, a stop.
//!
//! It has a descriptor that a poll shows as readable while the event is signalled. On Linux it is
//! an eventfd, which KVM and other processes can signal by themselves; elsewhere a pipe.

#[cfg(target_os = "linux")]
#[path = "event/eventfd.rs"]
mod imp;
#[cfg(not(target_os = "linux"))]
#[path = "event/pipe.rs"]
mod imp;

pub use imp::Event;

#[cfg(test)]
#[path = "event_test.rs"]
mod tests;
