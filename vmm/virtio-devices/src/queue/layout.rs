//! Where the driver put a queue's tables, and whether they may be there.

use virtio_queue::QueueT;
use vm_memory::{GuestAddress, GuestMemoryBackend, GuestMemoryRegion};

use super::{QueueError, Table};
use crate::Memory;

/// Bytes of a descriptor.
pub(super) const DESCRIPTOR_SIZE: u64 = 16;

/// The driver's choices, unchecked.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) max_size: u16,
    pub(super) size: u16,
    pub(super) ready: bool,
    pub(super) desc_table: u64,
    pub(super) avail_ring: u64,
    pub(super) used_ring: u64,
}

impl Layout {
    pub(super) fn new(max_size: u16) -> Self {
        Self { max_size, size: max_size, ready: false, desc_table: 0, avail_ring: 0, used_ring: 0 }
    }

    /// Checks the rules of virtio 1.3, 2.7: sizes, alignments, and whole tables (the rings with
    /// their event fields) inside one region each.
    pub(super) fn validate(&self, memory: &Memory) -> Result<(), QueueError> {
        if !self.ready {
            return Err(QueueError::NotReady);
        }
        if !self.size.is_power_of_two() || self.size > self.max_size {
            return Err(QueueError::Size { size: self.size, max: self.max_size });
        }
        let size = u64::from(self.size);
        let tables = [
            (Table::Descriptors, self.desc_table, 16, DESCRIPTOR_SIZE * size),
            (Table::Available, self.avail_ring, 2, 6 + 2 * size),
            (Table::Used, self.used_ring, 4, 6 + 8 * size),
        ];
        for (table, address, alignment, length) in tables {
            if address % alignment != 0 {
                return Err(QueueError::Misaligned { table, address, alignment });
            }
            if !inside_one_region(memory, address, length) {
                return Err(QueueError::TableOutside { table, address });
            }
        }
        Ok(())
    }

    /// Copies a validated layout into the ring arithmetic.
    pub(super) fn apply(&self, ring: &mut virtio_queue::Queue) -> Result<(), QueueError> {
        let refused = QueueError::Size { size: self.size, max: self.max_size };
        ring.try_set_size(self.size).map_err(|_| refused)?;
        ring.try_set_desc_table_address(GuestAddress(self.desc_table))
            .and_then(|()| ring.try_set_avail_ring_address(GuestAddress(self.avail_ring)))
            .and_then(|()| ring.try_set_used_ring_address(GuestAddress(self.used_ring)))
            .map_err(|_| refused)?;
        ring.set_ready(true);
        Ok(())
    }
}

/// Whether `length` bytes from `address` lie inside one region, so that no table is split over
/// two mappings.
pub(super) fn inside_one_region(memory: &Memory, address: u64, length: u64) -> bool {
    memory
        .to_region_addr(GuestAddress(address))
        .and_then(|(region, start)| region.len().checked_sub(start.0))
        .is_some_and(|room| length <= room)
}
