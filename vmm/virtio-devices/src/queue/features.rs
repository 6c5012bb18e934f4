//! Features that are about queues, not devices (virtio 1.3, 6).

/// `VIRTIO_F_INDIRECT_DESC`: a descriptor may refer to a table of more.
pub const INDIRECT_DESC: u64 = 1 << 28;
/// `VIRTIO_F_EVENT_IDX`: both sides say when they want to be woken.
pub const EVENT_IDX: u64 = 1 << 29;
/// `VIRTIO_F_VERSION_1`: the only interface there is here.
pub const VERSION_1: u64 = 1 << 32;

/// What every device of ours offers: the guard takes care of it.
pub const ALL: u64 = INDIRECT_DESC | EVENT_IDX | VERSION_1;
