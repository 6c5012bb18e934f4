//! The system calls that no safe crate offers, each behind a safe function.

pub mod fork;
pub mod loopback;
pub mod namespaces;
pub mod process;
pub mod socket;
pub mod vsock;
