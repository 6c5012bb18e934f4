//! Who wakes whom, and when not (virtio 1.3, 2.7.7 and 2.7.10).

use std::sync::atomic::Ordering;

use virtio_queue::QueueT;
use vm_memory::{Bytes, GuestAddress};

use super::{Queue, QueueError, Table};
use crate::Memory;

/// `VIRTQ_AVAIL_F_NO_INTERRUPT` (virtio 1.3, 2.7.6).
const AVAIL_NO_INTERRUPT: u16 = 1;

impl Queue {
    /// Whether the driver wants an interrupt for what was pushed since the last call. False when
    /// nothing was.
    ///
    /// # Errors
    /// The queue is broken.
    pub fn should_interrupt(&mut self, memory: &Memory) -> Result<bool, QueueError> {
        self.guarded(memory, |queue| {
            if !queue.unsignalled {
                return Ok(false);
            }
            queue.unsignalled = false;
            // Fences, so that the used index is visible before the driver's wish is read, and
            // compares with `used_event` where event indices were negotiated.
            let outside = queue.avail_outside();
            let wanted = queue.ring.needs_notification(memory).map_err(|_| outside)?;
            if queue.ring.event_idx_enabled() {
                return Ok(wanted);
            }
            let flags = memory
                .load::<u16>(GuestAddress(queue.layout.avail_ring), Ordering::Relaxed)
                .map_err(|_| outside)?;
            Ok(u16::from_le(flags) & AVAIL_NO_INTERRUPT == 0)
        })
    }

    /// Asks the driver not to notify while the device works through the queue anyway.
    ///
    /// # Errors
    /// The queue is broken.
    pub fn disable_notifications(&mut self, memory: &Memory) -> Result<(), QueueError> {
        self.guarded(memory, |queue| {
            let outside = queue.used_outside();
            queue.ring.disable_notification(memory).map_err(|_| outside)
        })
    }

    /// Asks the driver to notify again. True when chains came in before it could know: the
    /// device works through the queue once more.
    ///
    /// # Errors
    /// The queue is broken.
    pub fn enable_notifications(&mut self, memory: &Memory) -> Result<bool, QueueError> {
        self.guarded(memory, |queue| {
            let outside = queue.used_outside();
            queue.ring.enable_notification(memory).map_err(|_| outside)
        })
    }

    fn used_outside(&self) -> QueueError {
        QueueError::TableOutside { table: Table::Used, address: self.layout.used_ring }
    }
}
