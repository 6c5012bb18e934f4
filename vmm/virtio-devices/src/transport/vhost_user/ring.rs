//! One queue, as the monitor's messages set it up.

use super::memory::Table;
use crate::event::Event;
use crate::queue::{Queue, QueueError, features};

/// Where the tables are, as addresses of the monitor's own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Addresses {
    pub(super) descriptors: u64,
    pub(super) available: u64,
    pub(super) used: u64,
}

/// A queue between messages: what is known about it so far.
#[derive(Debug)]
pub(super) struct Ring {
    pub(super) max_size: u16,
    pub(super) size: u16,
    pub(super) addresses: Option<Addresses>,
    /// Position of the next chain to take.
    pub(super) base: u16,
    /// Set while the monitor wants the queue served.
    pub(super) kick: Option<Event>,
    /// As last told; counts only where protocol features were negotiated.
    pub(super) enabled: bool,
}

impl Ring {
    pub(super) fn new(max_size: u16) -> Self {
        Self { max_size, size: max_size, addresses: None, base: 0, kick: None, enabled: false }
    }

    /// The guarded queue, checked and at its position. Its addresses are looked up in `table`
    /// now, not when they were told: the table may have come after them.
    ///
    /// # Errors
    /// What the driver set up is not valid.
    pub(super) fn queue(&self, table: &Table, chosen: u64) -> Result<Queue, QueueError> {
        let addresses = self.addresses.ok_or(QueueError::NotReady)?;
        // An address that belongs to no region stays outside guest memory.
        let guest = |address| table.translate(address).unwrap_or(!0xf);
        let mut queue = Queue::new(self.max_size);
        queue.set_size(self.size);
        queue.set_desc_table(guest(addresses.descriptors));
        queue.set_avail_ring(guest(addresses.available));
        queue.set_used_ring(guest(addresses.used));
        queue.set_event_idx(chosen & features::EVENT_IDX != 0);
        queue.set_indirect(chosen & features::INDIRECT_DESC != 0);
        queue.set_ready(true);
        queue.validate(table.memory())?;
        queue.set_next_avail(self.base);
        let used = queue.published_used(table.memory())?;
        queue.set_next_used(used);
        Ok(queue)
    }
}
