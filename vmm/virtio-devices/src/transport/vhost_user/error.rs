//! Why a vhost-user connection ends other than by being closed.

use crate::device::ActivateError;

/// Why a memory table was refused.
#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    /// A region's descriptor is no regular file: it could not be mapped safely.
    #[error("the file behind guest memory is not a regular one")]
    NotRegular,
    /// A region ends after its file does: touching it would be fatal.
    #[error("guest memory region of {size} bytes at offset {offset} ends after its file")]
    PastEnd {
        /// Where the region starts in the file, in bytes.
        offset: u64,
        /// The region's length in bytes.
        size: u64,
    },
    /// Two regions overlap, or one wraps around the address space.
    #[error("the guest memory regions do not fit together: {0}")]
    Layout(String),
    /// The host refused the mapping.
    #[error("guest memory could not be mapped")]
    Map(#[source] std::io::Error),
}

/// Why [`serve`](super::serve) gave up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The monitor sent a message that is not well-formed, or at the wrong time.
    #[error("the monitor broke the vhost-user protocol")]
    Protocol(#[source] vhost::vhost_user::Error),
    /// The monitor chose features that were not offered.
    #[error("the monitor chose features {0:#x}, which were not offered")]
    Features(u64),
    /// The monitor named a queue that the device does not have.
    #[error("the monitor named queue {0}, which the device does not have")]
    NoSuchQueue(u32),
    /// A queue's size or position is out of range.
    #[error("queue {index}: {value} is no valid {what}")]
    Range {
        /// Which queue.
        index: u32,
        /// What was to be set.
        what: &'static str,
        /// To what.
        value: u32,
    },
    /// A queue was given no event to wait for: polling is not supported.
    #[error("the monitor gave queue {0} no kick event")]
    NoKick(u8),
    /// An event's descriptor could not be made ready for use.
    #[error("an event descriptor cannot be used")]
    Event(#[source] std::io::Error),
    /// Guest memory was refused.
    #[error("the monitor's guest memory was refused")]
    Memory(#[from] MemoryError),
    /// The device did not start.
    #[error("the device did not start")]
    Activate(#[source] ActivateError),
}
