//! The queue guard: the only code that touches guest rings and descriptors (virtio 1.3, 2.7).
//!
//! Everything in a split virtqueue is written by the guest and may change while it is read.
//! The guard copies each index and each descriptor once, checks the copy, and works on the copy
//! alone. The rings' own arithmetic is that of the `virtio-queue` crate; what that crate leaves
//! to its caller is checked here:
//!
//! - size and alignment, and that each whole table lies inside one region of guest memory;
//! - that the driver has not published more buffers than the queue holds;
//! - descriptor indices, chain length, direction order, total length and indirect tables
//!   ([`Chain`]);
//! - that each buffer lies in guest memory, before the first byte moves ([`Reader`], [`Writer`]).
//!
//! A queue that breaks a rule is broken until it is reset: there is no position to go on from.

mod avail;
mod buffers;
mod chain;
mod error;
pub mod features;
mod layout;
mod notify;
mod reader;
mod vectored;
mod writer;

use virtio_queue::QueueT;

pub use chain::Chain;
pub use error::{QueueError, Table};
use layout::Layout;
pub use reader::Reader;
pub use writer::Writer;

use crate::Memory;

/// Largest queue that virtio allows (virtio 1.3, 2.7), in descriptors.
pub const MAX_SIZE: u16 = 32768;

/// A checked split virtqueue.
///
/// Set up by a transport (sizes and addresses as the driver wrote them, valid or not), checked
/// by [`Queue::validate`], then moved into a device, which pops chains and pushes them back.
#[derive(Debug)]
pub struct Queue {
    layout: Layout,
    /// Positions and ring arithmetic. Holds `layout` only once that is known to be valid.
    ring: virtio_queue::Queue,
    indirect: bool,
    /// Set when `layout` has been checked and copied to `ring`.
    checked: bool,
    /// Chains were pushed since the driver was last considered for an interrupt.
    unsignalled: bool,
    broken: Option<QueueError>,
}

impl Queue {
    /// A queue that holds up to `max_size` descriptors, with nothing set up. `max_size` is
    /// lowered to a power of two within 1..=[`MAX_SIZE`].
    #[must_use]
    pub fn new(max_size: u16) -> Self {
        let max_size = match max_size.clamp(1, MAX_SIZE) {
            size if size.is_power_of_two() => size,
            size => size.next_power_of_two() / 2,
        };
        Self {
            layout: Layout::new(max_size),
            ring: new_ring(max_size),
            indirect: false,
            checked: false,
            unsignalled: false,
            broken: None,
        }
    }

    /// Forgets everything the driver set up, positions and breakage included.
    pub fn reset(&mut self) {
        *self = Self::new(self.layout.max_size);
    }

    /// Largest size that the device offers, in descriptors.
    #[must_use]
    pub fn max_size(&self) -> u16 {
        self.layout.max_size
    }

    /// Size that the driver chose, in descriptors; not checked before [`Queue::validate`].
    #[must_use]
    pub fn size(&self) -> u16 {
        self.layout.size
    }

    /// Sets the size in descriptors, as the driver wrote it.
    pub fn set_size(&mut self, size: u16) {
        self.layout.size = size;
        self.checked = false;
    }

    /// Whether the driver has said that the queue may be used.
    #[must_use]
    pub fn ready(&self) -> bool {
        self.layout.ready
    }

    /// Sets whether the queue may be used.
    pub fn set_ready(&mut self, ready: bool) {
        self.layout.ready = ready;
        self.checked = false;
    }

    /// Guest address of the descriptor table, as the driver wrote it.
    #[must_use]
    pub fn desc_table(&self) -> u64 {
        self.layout.desc_table
    }

    /// Sets the guest address of the descriptor table.
    pub fn set_desc_table(&mut self, address: u64) {
        self.layout.desc_table = address;
        self.checked = false;
    }

    /// Guest address of the available ring, as the driver wrote it.
    #[must_use]
    pub fn avail_ring(&self) -> u64 {
        self.layout.avail_ring
    }

    /// Sets the guest address of the available ring.
    pub fn set_avail_ring(&mut self, address: u64) {
        self.layout.avail_ring = address;
        self.checked = false;
    }

    /// Guest address of the used ring, as the driver wrote it.
    #[must_use]
    pub fn used_ring(&self) -> u64 {
        self.layout.used_ring
    }

    /// Sets the guest address of the used ring.
    pub fn set_used_ring(&mut self, address: u64) {
        self.layout.used_ring = address;
        self.checked = false;
    }

    /// Whether `VIRTIO_F_EVENT_IDX` was negotiated (virtio 1.3, 2.7.10).
    pub fn set_event_idx(&mut self, negotiated: bool) {
        self.ring.set_event_idx(negotiated);
    }

    /// Whether `VIRTIO_F_INDIRECT_DESC` was negotiated (virtio 1.3, 2.7.5.3).
    pub fn set_indirect(&mut self, negotiated: bool) {
        self.indirect = negotiated;
    }

    /// Position of the next chain to pop; counts modulo 65536.
    #[must_use]
    pub fn next_avail(&self) -> u16 {
        self.ring.next_avail()
    }

    /// Restores the position of the next chain to pop.
    pub fn set_next_avail(&mut self, position: u16) {
        self.ring.set_next_avail(position);
    }

    /// Position of the next used element; counts modulo 65536.
    #[must_use]
    pub fn next_used(&self) -> u16 {
        self.ring.next_used()
    }

    /// Restores the position of the next used element.
    pub fn set_next_used(&mut self, position: u16) {
        self.ring.set_next_used(position);
    }

    /// Checks what the driver set up: a ready queue, a size that is a power of two up to
    /// [`Queue::max_size`], and three aligned tables, each inside one region of `memory`.
    ///
    /// Transports call it at activation; [`Queue::pop`] does where they have not.
    ///
    /// # Errors
    /// [`QueueError`], the first rule that is broken.
    pub fn validate(&self, memory: &Memory) -> Result<(), QueueError> {
        self.layout.validate(memory)
    }

    /// Returns the error that broke the queue, if one did.
    #[must_use]
    pub fn broken(&self) -> Option<QueueError> {
        self.broken
    }

    /// Refuses a broken queue, and one whose layout does not hold; copies the layout into `ring`.
    fn check(&mut self, memory: &Memory) -> Result<(), QueueError> {
        if let Some(error) = self.broken {
            return Err(error);
        }
        if !self.checked {
            self.layout.validate(memory)?;
            self.layout.apply(&mut self.ring)?;
            self.checked = true;
        }
        Ok(())
    }

    /// Runs `step` on a checked queue; its failure breaks the queue for good.
    fn guarded<T>(
        &mut self,
        memory: &Memory,
        step: impl FnOnce(&mut Self) -> Result<T, QueueError>,
    ) -> Result<T, QueueError> {
        let result = self.check(memory).and_then(|()| step(self));
        if let Err(error) = result {
            self.broken = Some(error);
        }
        result
    }
}

/// A ring of a size that [`Queue::new`] has made valid.
fn new_ring(max_size: u16) -> virtio_queue::Queue {
    virtio_queue::Queue::new(max_size).unwrap_or_default()
}

#[cfg(test)]
#[path = "queue_test.rs"]
mod tests;
