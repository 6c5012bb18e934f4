//! How a driver reaches a device: register windows of our own monitor, or another process.

pub mod mmio;
pub mod vhost_user;
