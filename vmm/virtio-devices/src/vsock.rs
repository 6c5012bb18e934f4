//! The vsock device (virtio 1.3, 5.10): stream connections that the guest opens to a few ports
//! of the host, and no others.
//!
//! ```text
//!   guest ── queues ── device: muxer ── connection ── socket pair ── the port's process
//!                                                                       ▲
//!                        a new pair's other end is sent over the port's channel
//! ```
//!
//! The device opens nothing. Each [`HostPort`] comes with a channel to the process that serves
//! it, and that process gets the end of a fresh socket pair for each connection ([`accept`]).
//! Whatever else the guest asks for is answered with a reset: other ports, other addresses,
//! other socket types. The host cannot connect to the guest at all.
//!
//! - `packet`: the header that each packet starts with.
//! - `credit`: how much each side may send.
//! - `connection`: one stream's state machine.
//! - `muxer`: all streams, and what the guest is to be sent next.
//! - `device`: the queues.
//! - `channel`: handing sockets to other processes.
//! - `transit`: those that have not arrived there yet.

pub mod channel;
mod connection;
mod credit;
mod device;
#[doc(hidden)]
pub mod fuzz;
mod muxer;
mod outbox;
mod packet;
mod transit;

#[cfg(test)]
mod fixture;

pub use channel::{PeerInfo, accept};
pub use device::{DEVICE_TYPE, QUEUE_SIZES, Vsock};

use std::os::fd::OwnedFd;
use std::time::Duration;

/// The host's address (virtio 1.3, 5.10.4).
const HOST_CID: u64 = 2;
/// Streams at once, those included whose guest end is gone while the host still reads.
const MAX_CONNECTIONS: usize = 1023;
/// Bytes of data in one packet, either way.
const MAX_PAYLOAD: usize = 64 * 1024;
/// Bytes that a connection may have on their way to the host.
const WINDOW: u32 = 256 * 1024;
/// The same once [`CROWD`] connections exist: bounds what a guest can make the device hold.
const SMALL_WINDOW: u32 = 64 * 1024;
/// From this many connections on, new ones get the small window.
const CROWD: usize = 64;
/// Resets that wait for a buffer of the guest before its packets are left waiting instead.
const MAX_RESETS: usize = 256;
/// How long the guest may take to confirm the end of a connection that the host closed.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// A port of the host that the guest may connect to.
#[derive(Debug)]
pub struct HostPort {
    /// The port's number, as the guest names it.
    pub port: u32,
    /// One end of a [`channel::pair`]; the other end is held by the process that serves the
    /// port, which calls [`accept`] on it.
    pub channel: OwnedFd,
}
