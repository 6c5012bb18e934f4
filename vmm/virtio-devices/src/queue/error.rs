//! What can be wrong with a queue.

/// One of the three tables of a split virtqueue, or an indirect one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// The descriptor table (virtio 1.3, 2.7.5).
    Descriptors,
    /// The available ring (virtio 1.3, 2.7.6).
    Available,
    /// The used ring (virtio 1.3, 2.7.8).
    Used,
    /// An indirect descriptor table (virtio 1.3, 2.7.5.3).
    Indirect,
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Descriptors => "descriptor table",
            Self::Available => "available ring",
            Self::Used => "used ring",
            Self::Indirect => "indirect descriptor table",
        })
    }
}

/// A rule of the split virtqueue that the driver broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QueueError {
    /// The queue is used before the driver made it ready.
    #[error("the queue is not ready")]
    NotReady,
    /// The size is zero, no power of two, or above what the device offers.
    #[error("queue size {size} is no power of two within 1..={max}")]
    Size {
        /// Size that the driver wrote.
        size: u16,
        /// Largest size that the device offers.
        max: u16,
    },
    /// A table is not aligned.
    #[error("the {table} at {address:#x} is not aligned to {alignment}")]
    Misaligned {
        /// Which table.
        table: Table,
        /// Its guest address.
        address: u64,
        /// What the address must be a multiple of.
        alignment: u64,
    },
    /// A table does not lie inside one region of guest memory.
    #[error("the {table} at {address:#x} is outside guest memory")]
    TableOutside {
        /// Which table.
        table: Table,
        /// Its guest address.
        address: u64,
    },
    /// More chains are published than the queue has descriptors.
    #[error("{pending} chains are available in a queue of {size}")]
    TooManyAvailable {
        /// Published and not yet popped.
        pending: u16,
        /// Size of the queue.
        size: u16,
    },
    /// A head or a `next` field points past its table.
    #[error("descriptor index {index} is not below {size}")]
    Index {
        /// The index.
        index: u16,
        /// Number of descriptors in the table.
        size: u16,
    },
    /// The chain has more descriptors than the queue: it is a loop, or too long.
    #[error("the chain at {head} is longer than the queue")]
    ChainTooLong {
        /// First descriptor of the chain.
        head: u16,
    },
    /// A buffer for the device to read follows one for it to write (virtio 1.3, 2.7.4.2).
    #[error("the chain at {head} has a readable buffer after a writable one")]
    ReadableAfterWritable {
        /// First descriptor of the chain.
        head: u16,
    },
    /// The chain's buffers are longer than 4 GiB together (virtio 1.3, 2.7.5.2).
    #[error("the chain at {head} is longer than 4 GiB")]
    TooManyBytes {
        /// First descriptor of the chain.
        head: u16,
    },
    /// An indirect table although the feature was not negotiated, a table in a table, or one
    /// that is chained on (virtio 1.3, 2.7.5.3.1).
    #[error("the chain at {head} may not have an indirect table here")]
    IndirectNotAllowed {
        /// First descriptor of the chain.
        head: u16,
    },
    /// The length of an indirect table is zero, no multiple of 16, or above the queue's size.
    #[error("an indirect table of {length} bytes is not valid")]
    IndirectLength {
        /// Length of the table in bytes.
        length: u32,
    },
    /// A buffer does not lie in guest memory.
    #[error("the buffer of {length} bytes at {address:#x} is outside guest memory")]
    BufferOutside {
        /// Guest address.
        address: u64,
        /// Length in bytes.
        length: u32,
    },
    /// A request is shorter than its header, or its buffers smaller than the answer.
    #[error("{wanted} bytes are needed where the chain has {remaining}")]
    TooShort {
        /// Bytes needed.
        wanted: usize,
        /// Bytes left.
        remaining: usize,
    },
    /// A device gave back a chain that it cannot have got from this queue.
    #[error("used element {head} is no descriptor of the queue")]
    NotOurs {
        /// Head of the chain.
        head: u16,
    },
}

impl From<QueueError> for std::io::Error {
    fn from(error: QueueError) -> Self {
        let kind = match error {
            QueueError::TooShort { .. } => std::io::ErrorKind::UnexpectedEof,
            _ => std::io::ErrorKind::InvalidData,
        };
        Self::new(kind, error)
    }
}
