//! The vhost-user transport: the device runs in another process than its monitor.
//!
//! ```text
//!   monitor                                    device's process
//!   ┌──────────────┐  messages, descriptors   ┌──────────────┐
//!   │ frontend     │◀────── one socket ──────▶│ backend      │
//!   │ (VhostUser,  │                          │ (serve)      │
//!   │  or QEMU)    │   kick, call: eventfds   │   │          │
//!   └──────┬───────┘◀────────────────────────▶│ VirtioDevice │
//!          └────────── guest memory ──────────┴──────────────┘
//! ```
//!
//! - [`serve`]: any [`VirtioDevice`](crate::device::VirtioDevice) for a monitor at the other end
//!   of a socket.
//! - [`VhostUser`]: a device in another process, as one more `VirtioDevice`.
//!
//! The protocol is that of QEMU's `docs/interop/vhost-user.rst`; messages are put together and
//! taken apart by the `vhost` crate.

mod backend;
mod error;
#[cfg(test)]
mod fixture;
mod frontend;
#[doc(hidden)]
pub mod fuzz;
mod lines;
mod memory;
mod messages;
mod ring;
mod watch;

pub use backend::serve;
pub use error::{Error, MemoryError};
pub use frontend::{NewError, VhostUser};

/// The feature bit by which the two sides say that they speak protocol features. It is theirs
/// alone: a driver never sees it.
const PROTOCOL_FEATURES: u64 = 1 << 30;
