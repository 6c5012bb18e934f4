//! Entries for fuzzers: raw bytes in, the real code behind it, no threads and no host files but
//! memory. An entry that returns has found nothing.
//!
//! The entries about queues begin with eight bytes that set up the queue; the rest is guest memory
//! from address zero.

mod balloon;
mod blk;
mod guest;
mod input;
mod mmio;
mod queue;

pub use balloon::fuzz_balloon;
pub use blk::fuzz_blk;
pub use mmio::fuzz_mmio;
pub use queue::fuzz_queue;

#[cfg(target_os = "linux")]
pub use crate::transport::vhost_user::fuzz::fuzz_vhost_user;
pub use crate::vsock::fuzz::fuzz_vsock;

#[cfg(test)]
#[path = "fuzzing_test.rs"]
mod tests;
