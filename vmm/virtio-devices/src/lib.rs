//! Virtio devices, each behind one queue guard, over one of two transports.
//!
//! - [`device`]: what a device is, and what it is given when the driver is ready.
//! - [`queue`]: the only code that touches guest rings and descriptors.
//! - [`worker`]: the thread that every device runs on.
//! - [`transport`]: virtio-mmio for our own monitor, vhost-user for another one.
//! - [`event`]: what wakes a thread.
//! - [`fs`], [`vsock`], [`blk`], [`rng`], [`balloon`]: the devices.

pub mod balloon;
pub mod blk;
pub mod device;
pub mod event;
pub mod fs;
#[doc(hidden)]
pub mod fuzzing;
pub mod queue;
pub mod rng;
mod sys;
#[doc(hidden)]
pub mod testing;
pub mod transport;
pub mod vsock;
pub mod worker;

/// Guest memory as every device sees it.
pub type Memory = vm_memory::GuestMemoryMmap<()>;
