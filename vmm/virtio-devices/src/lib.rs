//! Virtio devices, each behind one queue guard, over one of two transports.
//!
//! - [`device`]: what a device is, and what it is given when the driver is ready.
//! - [`queue`]: the only code that touches guest rings and descriptors.

pub mod device;
pub mod queue;

/// Guest memory as every device sees it.
pub type Memory = vm_memory::GuestMemoryMmap<()>;
