//! A chain of descriptors, walked once and owned.

use vm_memory::{Bytes, GuestAddress, GuestMemoryBackend};

use super::layout::DESCRIPTOR_SIZE;
use super::{QueueError, Reader, Table, Writer};
use crate::Memory;

/// `VIRTQ_DESC_F_NEXT`.
const NEXT: u16 = 1;
/// `VIRTQ_DESC_F_WRITE`.
const WRITE: u16 = 2;
/// `VIRTQ_DESC_F_INDIRECT`.
const INDIRECT: u16 = 4;

/// One buffer of a chain, not yet checked to lie in guest memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Buffer {
    pub(super) address: u64,
    pub(super) length: u32,
}

/// A request: the buffers that the device reads, then those that it writes.
///
/// An owned copy: the guest may change its descriptors as it likes, the chain stays what was
/// checked. Buffers of length zero are allowed anywhere and carry nothing; they count as
/// descriptors. At most as many descriptors are visited as the queue holds, those of an indirect
/// table included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    head: u16,
    readable: Vec<Buffer>,
    writable: Vec<Buffer>,
    readable_len: usize,
    writable_len: usize,
}

/// A descriptor as copied from guest memory (virtio 1.3, 2.7.5).
struct Descriptor {
    buffer: Buffer,
    flags: u16,
    next: u16,
}

/// A table that a walk is in: the queue's own, or an indirect one.
struct Place {
    table: Table,
    address: u64,
    size: u16,
}

impl Place {
    fn read(&self, memory: &Memory, index: u16) -> Result<Descriptor, QueueError> {
        if index >= self.size {
            return Err(QueueError::Index { index, size: self.size });
        }
        let outside = QueueError::TableOutside { table: self.table, address: self.address };
        let address =
            self.address.checked_add(DESCRIPTOR_SIZE * u64::from(index)).ok_or(outside)?;
        // One copy; only the copy is looked at.
        let mut raw = [0_u8; 16];
        memory.read_slice(&mut raw, GuestAddress(address)).map_err(|_| outside)?;
        let raw = u128::from_le_bytes(raw);
        #[expect(clippy::cast_possible_truncation, reason = "takes the fields apart")]
        Ok(Descriptor {
            buffer: Buffer { address: raw as u64, length: (raw >> 64) as u32 },
            flags: (raw >> 96) as u16,
            next: (raw >> 112) as u16,
        })
    }
}

impl Chain {
    /// Follows the chain that starts at `head` of the descriptor table at `table`.
    pub(super) fn walk(
        memory: &Memory,
        table: u64,
        size: u16,
        head: u16,
        indirect: bool,
    ) -> Result<Self, QueueError> {
        let mut chain = Self {
            head,
            readable: Vec::new(),
            writable: Vec::new(),
            readable_len: 0,
            writable_len: 0,
        };
        let mut place = Place { table: Table::Descriptors, address: table, size };
        let mut index = head;
        let mut left = size;
        while left > 0 {
            let descriptor = place.read(memory, index)?;
            if descriptor.flags & INDIRECT != 0 {
                let chained = descriptor.flags & NEXT != 0;
                if !indirect || chained || place.table == Table::Indirect {
                    return Err(QueueError::IndirectNotAllowed { head });
                }
                // The write flag of this descriptor means nothing (virtio 1.3, 2.7.5.3.2).
                place = enter(memory, descriptor.buffer, size)?;
                index = 0;
                continue;
            }
            left -= 1;
            chain.append(&descriptor)?;
            if descriptor.flags & NEXT == 0 {
                return Ok(chain);
            }
            index = descriptor.next;
        }
        Err(QueueError::ChainTooLong { head })
    }

    fn append(&mut self, descriptor: &Descriptor) -> Result<(), QueueError> {
        let head = self.head;
        let too_many = QueueError::TooManyBytes { head };
        let length = usize::try_from(descriptor.buffer.length).map_err(|_| too_many)?;
        let (list, sum) = if descriptor.flags & WRITE != 0 {
            (&mut self.writable, &mut self.writable_len)
        } else if self.writable.is_empty() {
            (&mut self.readable, &mut self.readable_len)
        } else {
            return Err(QueueError::ReadableAfterWritable { head });
        };
        *sum = sum.checked_add(length).ok_or(too_many)?;
        list.push(descriptor.buffer);
        let total = self.readable_len.checked_add(self.writable_len);
        if total.is_none_or(|total| u32::try_from(total).is_err()) {
            return Err(too_many);
        }
        Ok(())
    }

    /// Index of the chain's first descriptor, by which it is pushed back.
    #[must_use]
    pub fn head(&self) -> u16 {
        self.head
    }

    /// Bytes for the device to read; below 4 GiB.
    #[must_use]
    pub fn readable_len(&self) -> usize {
        self.readable_len
    }

    /// Bytes for the device to write; below 4 GiB.
    #[must_use]
    pub fn writable_len(&self) -> usize {
        self.writable_len
    }

    /// The writable buffers themselves, each a guest address and a length in bytes, for devices
    /// whose requests are about the buffers and not about what is in them. Nothing has been
    /// checked about where they lie.
    pub fn writable_buffers(&self) -> impl Iterator<Item = (u64, u32)> + '_ {
        self.writable.iter().map(|buffer| (buffer.address, buffer.length))
    }

    /// A cursor over the readable buffers.
    ///
    /// # Errors
    /// [`QueueError::BufferOutside`] when one of them does not lie in `memory`.
    pub fn reader<'m>(&self, memory: &'m Memory) -> Result<Reader<'m>, QueueError> {
        Reader::new(memory, &self.readable)
    }

    /// A cursor over the writable buffers.
    ///
    /// # Errors
    /// [`QueueError::BufferOutside`] when one of them does not lie in `memory`.
    pub fn writer<'m>(&self, memory: &'m Memory) -> Result<Writer<'m>, QueueError> {
        Writer::new(memory, &self.writable)
    }
}

/// Checks an indirect table's length and place.
fn enter(memory: &Memory, table: Buffer, queue_size: u16) -> Result<Place, QueueError> {
    let length = u64::from(table.length);
    let invalid = QueueError::IndirectLength { length: table.length };
    if length == 0 || length % DESCRIPTOR_SIZE != 0 {
        return Err(invalid);
    }
    let size = u16::try_from(length / DESCRIPTOR_SIZE).map_err(|_| invalid)?;
    if size > queue_size {
        return Err(invalid);
    }
    let bytes = usize::try_from(length).map_err(|_| invalid)?;
    if !memory.check_range(GuestAddress(table.address), bytes) {
        return Err(QueueError::TableOutside { table: Table::Indirect, address: table.address });
    }
    Ok(Place { table: Table::Indirect, address: table.address, size })
}
