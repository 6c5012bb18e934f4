//! What the driver says about a queue before the device gets it.

use super::registers as reg;
use crate::queue::{Queue, features};

/// The registers of one queue.
#[derive(Debug)]
pub(super) struct QueueSetup {
    pub(super) max_size: u16,
    pub(super) size: u16,
    pub(super) ready: bool,
    desc_table: u64,
    avail_ring: u64,
    used_ring: u64,
}

impl QueueSetup {
    pub(super) fn new(max_size: u16) -> Self {
        let max_size = Queue::new(max_size).max_size();
        Self { max_size, size: max_size, ready: false, desc_table: 0, avail_ring: 0, used_ring: 0 }
    }

    pub(super) fn reset(&mut self) {
        *self = Self::new(self.max_size);
    }

    /// Takes a write to one of the registers of the selected queue. False when the value does
    /// not do, or the register is closed because the queue is ready (virtio 1.3, 4.2.2.2).
    pub(super) fn write(&mut self, offset: u64, value: u32) -> bool {
        if offset == reg::QUEUE_READY {
            // Any other value than one takes the queue away again.
            self.ready = value == 1;
            return value <= 1;
        }
        if self.ready {
            return false;
        }
        match offset {
            reg::QUEUE_SIZE => match u16::try_from(value) {
                Ok(size) if size.is_power_of_two() && size <= self.max_size => self.size = size,
                _ => return false,
            },
            reg::QUEUE_DESC_LOW => set_low(&mut self.desc_table, value),
            reg::QUEUE_DESC_HIGH => set_high(&mut self.desc_table, value),
            reg::QUEUE_DRIVER_LOW => set_low(&mut self.avail_ring, value),
            reg::QUEUE_DRIVER_HIGH => set_high(&mut self.avail_ring, value),
            reg::QUEUE_DEVICE_LOW => set_low(&mut self.used_ring, value),
            reg::QUEUE_DEVICE_HIGH => set_high(&mut self.used_ring, value),
            _ => return false,
        }
        true
    }

    /// A guarded queue with this layout, at its start.
    pub(super) fn build(&self, negotiated: u64) -> Queue {
        let mut queue = Queue::new(self.max_size);
        queue.set_size(self.size);
        queue.set_desc_table(self.desc_table);
        queue.set_avail_ring(self.avail_ring);
        queue.set_used_ring(self.used_ring);
        queue.set_event_idx(negotiated & features::EVENT_IDX != 0);
        queue.set_indirect(negotiated & features::INDIRECT_DESC != 0);
        queue.set_ready(self.ready);
        queue
    }
}

fn set_low(address: &mut u64, value: u32) {
    *address = (*address & !0xffff_ffff) | u64::from(value);
}

fn set_high(address: &mut u64, value: u32) {
    *address = (*address & 0xffff_ffff) | (u64::from(value) << 32);
}
