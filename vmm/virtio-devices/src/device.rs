//! What a device is, and what a transport gives it.

use std::sync::Arc;

use crate::event::Event;
use crate::{Memory, queue::Queue};

/// How a device tells its driver something. Implemented by transports; cheap and thread-safe.
pub trait Interrupt: Send + Sync {
    /// Used buffers are in queue `index`.
    fn queue(&self, index: u16);

    /// The configuration space changed.
    fn config(&self);

    /// The device met something it cannot go on after (virtio 1.3, 2.1.1: `DEVICE_NEEDS_RESET`).
    fn needs_reset(&self);

    /// An event that raises queue `index`'s interrupt when written, where the transport has
    /// one: it can be handed to another process.
    fn queue_event(&self, index: u16) -> Option<Event>;
}

/// What a device is given when its driver says `DRIVER_OK`.
pub struct Activation {
    /// Guest memory; stays mapped while the device runs.
    pub memory: Arc<Memory>,
    /// The features both sides agreed on.
    pub features: u64,
    /// The way to the driver.
    pub interrupt: Arc<dyn Interrupt>,
    /// The queues, ready ones only, each with its index and the event that the driver's
    /// notification writes.
    pub queues: Vec<ActiveQueue>,
}

/// One queue of an [`Activation`].
pub struct ActiveQueue {
    /// Which of the device's queues.
    pub index: u16,
    /// The guarded queue, moved into the device until it is reset.
    pub queue: Queue,
    /// Readable when the driver has notified.
    pub doorbell: Event,
}

/// Why a device could not start. The transport answers with `DEVICE_NEEDS_RESET`.
#[derive(Debug, thiserror::Error)]
pub enum ActivateError {
    /// The driver left out a queue that the device needs.
    #[error("the driver did not set up queue {0}")]
    MissingQueue(u16),
    /// The device could not start its worker.
    #[error("the device's worker did not start")]
    Worker(#[source] std::io::Error),
    /// The process that serves the device is gone or refuses.
    #[error("the device's own process: {0}")]
    Backend(String),
}

/// A virtio device.
///
/// ```text
///          activate (queues move in)
///   idle ───────────────────────────▶ running ──▶ (worker meets a broken queue: needs_reset,
///     ▲                                  │          worker ends, still to be reset)
///     └──────────────────────────────────┘
///        reset (worker joined, queues come back)
/// ```
pub trait VirtioDevice: Send {
    /// Device type (virtio 1.3, section 5).
    fn device_type(&self) -> u32;

    /// Largest size of each queue, a power of two; its length is the number of queues.
    fn queue_sizes(&self) -> &[u16];

    /// Features offered, `VIRTIO_F_VERSION_1` among them.
    fn features(&self) -> u64;

    /// Reads configuration space. Bytes past its end read as zero.
    fn read_config(&self, offset: u64, data: &mut [u8]);

    /// Writes configuration space. Writes to read-only or absent bytes do nothing.
    fn write_config(&mut self, offset: u64, data: &[u8]) {
        let _ = (offset, data);
    }

    /// Starts the device. It answers requests already in the queues without waiting for a
    /// notification.
    ///
    /// # Errors
    /// [`ActivateError`]; the device is then idle and the queues are dropped.
    fn activate(&mut self, activation: Activation) -> Result<(), ActivateError>;

    /// Stops the device and gives its queues back with their positions. Returns only when
    /// nothing of the device touches guest memory any more. Idle devices return nothing.
    fn reset(&mut self) -> Vec<ActiveQueue>;
}

/// Reads `data.len()` bytes at `offset` of a configuration space that is laid out in `config`;
/// bytes past its end read as zero.
pub fn read_config_bytes(config: &[u8], offset: u64, data: &mut [u8]) {
    data.fill(0);
    let rest =
        usize::try_from(offset).ok().and_then(|offset| config.get(offset..)).unwrap_or_default();
    for (out, byte) in data.iter_mut().zip(rest) {
        *out = *byte;
    }
}
