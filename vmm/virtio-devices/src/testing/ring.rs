//! The driver's side of a split virtqueue, plainly, for hostile drivers too.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};

use vm_memory::{Bytes, GuestAddress, GuestMemoryBackend};

use super::Used;
use crate::Memory;
use crate::queue::{Queue, features};

/// `VIRTQ_DESC_F_NEXT`.
pub const NEXT: u16 = 1;
/// `VIRTQ_DESC_F_WRITE`.
pub const WRITE: u16 = 2;
/// `VIRTQ_DESC_F_INDIRECT`.
pub const INDIRECT: u16 = 4;

/// One queue as its driver sees it.
pub struct Ring {
    /// Number of descriptors.
    pub size: u16,
    /// Guest address of the descriptor table.
    pub desc_table: u64,
    /// Guest address of the available ring.
    pub avail_ring: u64,
    /// Guest address of the used ring.
    pub used_ring: u64,
    memory: Arc<Memory>,
    free: Vec<u16>,
    published: u16,
    seen: u16,
    /// Chains with the device: their descriptors and their writable buffers.
    pending: BTreeMap<u16, Pending>,
}

struct Pending {
    descriptors: Vec<u16>,
    writable: Vec<(u64, u32)>,
}

impl Ring {
    /// Bytes for the tables of a queue of 1024 descriptors.
    pub(super) const STRIDE: u64 = 0x8000;

    pub(super) fn new(base: u64, size: u16, memory: Arc<Memory>) -> Self {
        assert!(size <= 1024, "the fake driver's queues have at most 1024 descriptors");
        Self {
            size,
            desc_table: base,
            avail_ring: base + 0x4000,
            used_ring: base + 0x5000,
            memory,
            free: (0..size).rev().collect(),
            published: 0,
            seen: 0,
            pending: BTreeMap::new(),
        }
    }

    /// The device's side, ready and at its start.
    #[must_use]
    pub fn queue(&self, negotiated: u64) -> Queue {
        let mut queue = Queue::new(self.size);
        queue.set_size(self.size);
        queue.set_desc_table(self.desc_table);
        queue.set_avail_ring(self.avail_ring);
        queue.set_used_ring(self.used_ring);
        queue.set_event_idx(negotiated & features::EVENT_IDX != 0);
        queue.set_indirect(negotiated & features::INDIRECT_DESC != 0);
        queue.set_ready(true);
        queue
    }

    /// Forgets everything, as a driver does that starts again.
    pub fn clear(&mut self) {
        let zeros = vec![0; usize::try_from(Self::STRIDE).unwrap()];
        let at = GuestAddress(self.desc_table);
        self.memory.write_slice(&zeros, at).unwrap();
        *self = Self::new(self.desc_table, self.size, self.memory.clone());
    }

    /// Whether the device holds no chain.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.pending.is_empty()
    }

    /// Publishes a chain of buffers, each an address, a length and flags. Returns its head.
    pub fn add(&mut self, buffers: &[(u64, u32, u16)]) -> u16 {
        let descriptors: Vec<u16> =
            buffers.iter().map(|_| self.free.pop().expect("a free descriptor")).collect();
        for (at, (address, length, flags)) in buffers.iter().enumerate() {
            let (next, chained) = descriptors.get(at + 1).map_or((0, 0), |next| (*next, NEXT));
            self.describe(descriptors[at], *address, *length, flags | chained, next);
        }
        let head = descriptors[0];
        let writable = buffers.iter().filter(|buffer| buffer.2 & WRITE != 0);
        let writable = writable.map(|buffer| (buffer.0, buffer.1)).collect();
        let pending = Pending { descriptors, writable };
        self.pending.insert(head, pending);
        self.publish(head);
        head
    }

    /// Writes descriptor `index`, whatever is in it.
    pub fn describe(&self, index: u16, address: u64, length: u32, flags: u16, next: u16) {
        let at = self.desc_table + 16 * u64::from(index);
        self.describe_at(at, address, length, flags, next);
    }

    /// Writes a descriptor at guest address `at`, for indirect tables.
    pub fn describe_at(&self, at: u64, address: u64, length: u32, flags: u16, next: u16) {
        let mut raw = [0_u8; 16];
        raw[..8].copy_from_slice(&address.to_le_bytes());
        raw[8..12].copy_from_slice(&length.to_le_bytes());
        raw[12..14].copy_from_slice(&flags.to_le_bytes());
        raw[14..].copy_from_slice(&next.to_le_bytes());
        self.memory.write_slice(&raw, GuestAddress(at)).unwrap();
    }

    /// Publishes any head.
    pub fn publish(&mut self, head: u16) {
        let slot = u64::from(self.published % self.size);
        self.store(self.avail_ring + 4 + 2 * slot, head);
        self.set_available(self.published.wrapping_add(1));
    }

    /// Sets the index of the available ring.
    pub fn set_available(&mut self, index: u16) {
        self.published = index;
        let at = GuestAddress(self.avail_ring + 2);
        self.memory.store(index.to_le(), at, Ordering::Release).unwrap();
        fence(Ordering::SeqCst);
    }

    /// Sets the flags of the available ring: 1 asks for no interrupts.
    pub fn set_flags(&self, flags: u16) {
        self.store(self.avail_ring, flags);
    }

    /// Sets `used_event`: which used element to interrupt for.
    pub fn set_used_event(&self, position: u16) {
        self.store(self.avail_ring + 4 + 2 * u64::from(self.size), position);
    }

    /// The device's flags: 1 asks for no notifications.
    #[must_use]
    pub fn device_flags(&self) -> u16 {
        self.load(self.used_ring)
    }

    /// The device's `avail_event`: which chain to notify for.
    #[must_use]
    pub fn avail_event(&self) -> u16 {
        self.load(self.used_ring + 4 + 8 * u64::from(self.size))
    }

    /// Index of the used ring.
    #[must_use]
    pub fn used_index(&self) -> u16 {
        let at = GuestAddress(self.used_ring + 2);
        u16::from_le(self.memory.load(at, Ordering::Acquire).unwrap())
    }

    /// The next chain that came back, if one did; asks for an interrupt for the one after.
    pub fn used(&mut self) -> Option<Used> {
        if self.used_index() == self.seen {
            return None;
        }
        let at = self.used_ring + 4 + 8 * u64::from(self.seen % self.size);
        let mut raw = [0_u8; 8];
        self.memory.read_slice(&mut raw, GuestAddress(at)).unwrap();
        let (head, written) = raw.split_at(4);
        let head = u32::from_le_bytes(head.try_into().unwrap()).try_into().unwrap();
        let written = u32::from_le_bytes(written.try_into().unwrap());
        self.seen = self.seen.wrapping_add(1);
        self.set_used_event(self.seen);
        let mut data = Vec::new();
        if let Some(pending) = self.pending.remove(&head) {
            self.free.extend(pending.descriptors.iter().rev());
            for (address, length) in pending.writable {
                let (start, address) = (data.len(), GuestAddress(address));
                // A hostile chain: there is nothing to look at.
                if !self.memory.check_range(address, length as usize) {
                    continue;
                }
                data.resize(start + length as usize, 0);
                self.memory.read_slice(&mut data[start..], address).unwrap();
            }
        }
        Some(Used { head, written, data })
    }

    fn store(&self, at: u64, value: u16) {
        let at = GuestAddress(at);
        self.memory.store(value.to_le(), at, Ordering::Relaxed).unwrap();
    }

    fn load(&self, at: u64) -> u16 {
        u16::from_le(self.memory.load(GuestAddress(at), Ordering::Acquire).unwrap())
    }
}
