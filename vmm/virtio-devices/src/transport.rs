//! How a driver reaches a device: register windows of our own monitor, or another process.
//!
//! The second needs events that can be handed to another process: it is there on Linux only.

pub mod mmio;
#[cfg(target_os = "linux")]
pub mod vhost_user;
