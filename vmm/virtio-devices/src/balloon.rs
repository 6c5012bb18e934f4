//! The balloon (virtio 1.3, 5.5): memory that the guest does not use goes back to the host.
//!
//! Two ways lead there. With *free page reporting* the guest names ranges that are free at the
//! moment, and may use them again once the device has answered; this needs nobody to decide
//! anything. *Inflation* takes pages from the guest until a target is met.
//!
//! On Linux, giving back means punching a hole in the file behind guest memory: that memory is a
//! shared mapping, so dropping pages from the mapping alone would free nothing. On macOS guest
//! memory is the process's own, and the host is told that it may take the pages (`sys::release`).

mod control;
mod release;

use std::sync::Arc;

use crate::Memory;
use crate::device::{ActivateError, Activation, ActiveQueue, VirtioDevice};
use crate::queue::{Chain, QueueError, features};
use crate::worker::{Context, Handler, Slot, WorkError};
pub use control::Control;
use control::Shared;
use release::release;

/// `VIRTIO_ID_BALLOON`.
const DEVICE_TYPE: u32 = 5;
/// `VIRTIO_BALLOON_F_DEFLATE_ON_OOM`.
const F_DEFLATE_ON_OOM: u64 = 1 << 2;
/// `VIRTIO_BALLOON_F_REPORTING`.
const F_REPORTING: u64 = 1 << 5;

/// The specification gives reporting queue 4, after those for statistics and hints (5.5.2).
/// Linux numbers only the queues that it has, so that reporting is its queue 2. As neither
/// statistics nor hints are offered, each queue from 2 on can only be for reporting.
const QUEUE_SIZES: [u16; 5] = [128, 128, 32, 32, 32];
const INFLATE: u16 = 0;
const DEFLATE: u16 = 1;

/// Bytes of a balloon page, whatever the page size of guest or host (5.5.6).
const PAGE: u64 = 4096;
/// Most page numbers looked at in one request; Linux sends 256. What is left out stays with the
/// guest's balloon and is merely not freed.
const MAX_PAGES: usize = 16384;

/// The balloon.
pub struct Balloon {
    slot: Slot<Keeper>,
    shared: Arc<Shared>,
}

/// Runs on the worker.
struct Keeper {
    shared: Arc<Shared>,
}

impl Balloon {
    /// An idle balloon with a target of no pages.
    #[must_use]
    pub fn new() -> Self {
        let shared = Arc::new(Shared::default());
        Self { slot: Slot::new(Keeper { shared: shared.clone() }), shared }
    }

    /// A handle by which the balloon is blown up and watched while it runs.
    #[must_use]
    pub fn control(&self) -> Control {
        Control::new(self.shared.clone())
    }
}

impl Default for Balloon {
    fn default() -> Self {
        Self::new()
    }
}

impl VirtioDevice for Balloon {
    fn device_type(&self) -> u32 {
        DEVICE_TYPE
    }

    fn queue_sizes(&self) -> &[u16] {
        &QUEUE_SIZES
    }

    fn features(&self) -> u64 {
        features::ALL | F_DEFLATE_ON_OOM | F_REPORTING
    }

    fn read_config(&self, offset: u64, data: &mut [u8]) {
        crate::device::read_config_bytes(&self.shared.config(), offset, data);
    }

    fn write_config(&mut self, offset: u64, data: &[u8]) {
        self.shared.write_config(offset, data);
    }

    fn activate(&mut self, activation: Activation) -> Result<(), ActivateError> {
        for needed in [INFLATE, DEFLATE] {
            if !activation.queues.iter().any(|queue| queue.index == needed) {
                return Err(ActivateError::MissingQueue(needed));
            }
        }
        self.shared.attach(Some(activation.interrupt.clone()));
        self.slot.start("balloon", activation)
    }

    fn reset(&mut self) -> Vec<ActiveQueue> {
        self.shared.attach(None);
        self.shared.forget_actual();
        self.slot.stop()
    }
}

impl Handler for Keeper {
    fn queue(&mut self, context: &mut Context, index: u16) -> Result<(), WorkError> {
        let reporting = context.features & F_REPORTING != 0;
        context.drain(index, |chain, memory| {
            let freed = match index {
                INFLATE => inflate(chain, memory)?,
                // A page comes back when the guest touches it.
                DEFLATE => 0,
                _ if reporting => report(chain, memory),
                _ => 0,
            };
            self.shared.count_freed(freed);
            Ok(0)
        })
    }
}

/// Frees the pages whose numbers are in the readable buffers (5.5.6.1), runs of them at once.
/// Returns the bytes freed.
pub(crate) fn inflate(chain: &Chain, memory: &Memory) -> Result<u64, QueueError> {
    let mut reader = chain.reader(memory)?;
    let mut freed = 0_u64;
    let mut run = 0..0_u64;
    for _ in 0..(reader.remaining() / 4).min(MAX_PAGES) {
        let mut number = [0; 4];
        reader.read_exact(&mut number)?;
        let start = u64::from(u32::from_le_bytes(number)) * PAGE;
        let end = start + PAGE;
        if start == run.end {
            run.end = end;
        } else if end == run.start {
            run.start = start;
        } else {
            freed = freed.saturating_add(release(memory, run.start, run.end - run.start));
            run = start..end;
        }
    }
    Ok(freed.saturating_add(release(memory, run.start, run.end - run.start)))
}

/// Frees the ranges that the writable buffers are (5.5.6.7). The device may not write to them,
/// but they read as zero afterwards, at once or later, which is allowed without
/// `VIRTIO_BALLOON_F_PAGE_POISON`.
pub(crate) fn report(chain: &Chain, memory: &Memory) -> u64 {
    chain
        .writable_buffers()
        .map(|(address, length)| release(memory, address, length.into()))
        .fold(0, u64::saturating_add)
}

#[cfg(test)]
#[path = "balloon_test.rs"]
mod tests;
