//! Accesses that have no effect.

/// An access that the transport did not act on. Guests can make as many as they like, so only
/// the first is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such register, or not for this direction.
    Register {
        /// Offset in the window.
        offset: u64,
        /// Whether it was a write.
        write: bool,
    },
    /// Registers take 4 bytes at a time.
    Width {
        /// Offset in the window.
        offset: u64,
        /// Bytes of the access.
        length: usize,
    },
    /// The status does not allow this write now.
    Status {
        /// Offset in the window.
        offset: u64,
        /// The status.
        status: u32,
    },
    /// The value does not do: no such status step, no such queue, or an invalid size.
    Value {
        /// Offset in the window.
        offset: u64,
        /// What was written.
        value: u32,
    },
    /// The driver accepted features that were not offered, or not `VIRTIO_F_VERSION_1`.
    Features {
        /// What the driver accepted.
        accepted: u128,
    },
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Register { offset, write } => {
                let verb = if *write { "write to" } else { "read of" };
                write!(f, "{verb} register {offset:#x}, which there is not")
            }
            Self::Width { offset, length } => {
                write!(f, "access of {length} bytes to register {offset:#x}")
            }
            Self::Status { offset, status } => {
                write!(f, "write to register {offset:#x} in status {status:#x}")
            }
            Self::Value { offset, value } => {
                write!(f, "write of {value:#x} to register {offset:#x}")
            }
            Self::Features { accepted } => {
                write!(f, "features {accepted:#x} were accepted and do not do")
            }
        }
    }
}
