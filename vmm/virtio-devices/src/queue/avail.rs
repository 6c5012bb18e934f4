//! Taking chains from the available ring and giving them back through the used ring.

use std::sync::atomic::Ordering;

use virtio_queue::QueueT;
use vm_memory::{Bytes, GuestAddress};

use super::{Chain, Queue, QueueError, Table};
use crate::Memory;

/// Bytes before the first element of the available ring: flags and index.
const AVAIL_HEADER: u64 = 4;
/// Bytes of an element of the available ring.
const AVAIL_ELEMENT: u64 = 2;

impl Queue {
    /// Takes the next chain that the driver published, if there is one.
    ///
    /// # Errors
    /// The driver broke a rule: the queue is broken, and each later call returns the same error
    /// until [`Queue::reset`].
    pub fn pop(&mut self, memory: &Memory) -> Result<Option<Chain>, QueueError> {
        self.guarded(memory, |queue| queue.take(memory))
    }

    /// Gives a chain back to the driver with the number of bytes that the device wrote into its
    /// writable buffers, counted from their beginning.
    ///
    /// # Errors
    /// `chain_head` is not the head of a chain of this queue, or the queue is broken.
    pub fn push(
        &mut self,
        memory: &Memory,
        chain_head: u16,
        written: u32,
    ) -> Result<(), QueueError> {
        self.guarded(memory, |queue| {
            if chain_head >= queue.layout.size {
                return Err(QueueError::NotOurs { head: chain_head });
            }
            // Writes the element, then the index with release ordering.
            queue.ring.add_used(memory, chain_head, written).map_err(|_| {
                QueueError::TableOutside { table: Table::Used, address: queue.layout.used_ring }
            })?;
            queue.unsignalled = true;
            Ok(())
        })
    }

    /// Reads the used index from the ring itself: where a queue goes on that another process
    /// served before.
    ///
    /// # Errors
    /// The queue is broken or not validly set up.
    pub fn published_used(&mut self, memory: &Memory) -> Result<u16, QueueError> {
        self.guarded(memory, |queue| {
            let index = queue.ring.used_idx(memory, Ordering::Acquire);
            index.map(|index| index.0).map_err(|_| QueueError::TableOutside {
                table: Table::Used,
                address: queue.layout.used_ring,
            })
        })
    }

    fn take(&mut self, memory: &Memory) -> Result<Option<Chain>, QueueError> {
        let size = self.layout.size;
        // Acquire: the ring's elements and the descriptors are read after the index.
        let published =
            self.ring.avail_idx(memory, Ordering::Acquire).map_err(|_| self.avail_outside())?;
        let position = self.ring.next_avail();
        let pending = published.0.wrapping_sub(position);
        if pending == 0 {
            return Ok(None);
        }
        if pending > size {
            return Err(QueueError::TooManyAvailable { pending, size });
        }
        let slot = u64::from(position % size);
        let head = self
            .layout
            .avail_ring
            .checked_add(AVAIL_HEADER + AVAIL_ELEMENT * slot)
            .and_then(|address| memory.load::<u16>(GuestAddress(address), Ordering::Relaxed).ok())
            .map(u16::from_le)
            .ok_or_else(|| self.avail_outside())?;
        let chain = Chain::walk(memory, self.layout.desc_table, size, head, self.indirect)?;
        self.ring.set_next_avail(position.wrapping_add(1));
        Ok(Some(chain))
    }

    pub(super) fn avail_outside(&self) -> QueueError {
        QueueError::TableOutside { table: Table::Available, address: self.layout.avail_ring }
    }
}
