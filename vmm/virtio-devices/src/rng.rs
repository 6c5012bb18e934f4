//! The entropy device (virtio 1.3, 5.4): fills the driver's buffers from the host's generator.

use crate::device::{ActivateError, Activation, ActiveQueue, VirtioDevice};
use crate::queue::{Chain, QueueError, features};
use crate::worker::{Context, Handler, Slot, WorkError};
use crate::{Memory, sys};

/// `VIRTIO_ID_RNG`.
const DEVICE_TYPE: u32 = 4;
const QUEUE_SIZES: [u16; 1] = [64];
/// Most bytes that one request gets; a driver that wants more asks again. The driver chooses the
/// buffer's length, and the host pays for the bytes.
pub const MAX_BYTES: usize = 64 << 10;
/// Bytes made at once, on the stack.
const PIECE: usize = 4096;

/// The entropy device.
pub struct Rng {
    slot: Slot<Source>,
}

struct Source;

impl Rng {
    /// An idle device.
    #[must_use]
    pub fn new() -> Self {
        Self { slot: Slot::new(Source) }
    }
}

impl Default for Rng {
    fn default() -> Self {
        Self::new()
    }
}

impl VirtioDevice for Rng {
    fn device_type(&self) -> u32 {
        DEVICE_TYPE
    }

    fn queue_sizes(&self) -> &[u16] {
        &QUEUE_SIZES
    }

    fn features(&self) -> u64 {
        features::ALL
    }

    /// There is none (5.4.4).
    fn read_config(&self, _offset: u64, data: &mut [u8]) {
        data.fill(0);
    }

    fn activate(&mut self, activation: Activation) -> Result<(), ActivateError> {
        if activation.queues.is_empty() {
            return Err(ActivateError::MissingQueue(0));
        }
        self.slot.start("rng", activation)
    }

    fn reset(&mut self) -> Vec<ActiveQueue> {
        self.slot.stop()
    }
}

impl Handler for Source {
    fn queue(&mut self, context: &mut Context, index: u16) -> Result<(), WorkError> {
        context.drain(index, fill)
    }
}

/// Fills the writable buffers, up to [`MAX_BYTES`]. Readable ones should not be there (5.4.6.1)
/// and are not looked at. Where the host has no entropy the request gets less, or nothing.
fn fill(chain: &Chain, memory: &Memory) -> Result<u32, QueueError> {
    let mut writer = chain.writer(memory)?;
    let mut left = writer.remaining().min(MAX_BYTES);
    let mut piece = [0_u8; PIECE];
    while left > 0 {
        let Some(piece) = piece.get_mut(..left.min(PIECE)) else {
            break;
        };
        if sys::fill_random(piece).is_err() {
            break;
        }
        writer.write_all(piece)?;
        left -= piece.len();
    }
    Ok(u32::try_from(writer.written()).unwrap_or(0))
}

#[cfg(test)]
#[path = "rng_test.rs"]
mod tests;
