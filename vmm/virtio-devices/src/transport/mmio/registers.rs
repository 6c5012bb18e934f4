//! Offsets in the window (virtio 1.3, 4.2.2), and what identifies it.

/// Bytes of guest address space that a window takes.
pub const WINDOW_SIZE: u64 = 0x1000;
/// Offset of the doorbell register: the driver writes a queue's index, 4 bytes.
pub const QUEUE_NOTIFY: u64 = 0x50;

pub(super) const MAGIC_VALUE: u64 = 0x00;
pub(super) const VERSION: u64 = 0x04;
pub(super) const DEVICE_ID: u64 = 0x08;
pub(super) const VENDOR_ID: u64 = 0x0c;
pub(super) const DEVICE_FEATURES: u64 = 0x10;
pub(super) const DEVICE_FEATURES_SEL: u64 = 0x14;
pub(super) const DRIVER_FEATURES: u64 = 0x20;
pub(super) const DRIVER_FEATURES_SEL: u64 = 0x24;
pub(super) const QUEUE_SEL: u64 = 0x30;
pub(super) const QUEUE_SIZE_MAX: u64 = 0x34;
pub(super) const QUEUE_SIZE: u64 = 0x38;
pub(super) const QUEUE_READY: u64 = 0x44;
pub(super) const INTERRUPT_STATUS: u64 = 0x60;
pub(super) const INTERRUPT_ACK: u64 = 0x64;
pub(super) const STATUS: u64 = 0x70;
pub(super) const QUEUE_DESC_LOW: u64 = 0x80;
pub(super) const QUEUE_DESC_HIGH: u64 = 0x84;
pub(super) const QUEUE_DRIVER_LOW: u64 = 0x90;
pub(super) const QUEUE_DRIVER_HIGH: u64 = 0x94;
pub(super) const QUEUE_DEVICE_LOW: u64 = 0xa0;
pub(super) const QUEUE_DEVICE_HIGH: u64 = 0xa4;
pub(super) const SHM_SEL: u64 = 0xac;
pub(super) const SHM_LEN_LOW: u64 = 0xb0;
pub(super) const SHM_LEN_HIGH: u64 = 0xb4;
pub(super) const SHM_BASE_LOW: u64 = 0xb8;
pub(super) const SHM_BASE_HIGH: u64 = 0xbc;
pub(super) const QUEUE_RESET: u64 = 0xc0;
pub(super) const CONFIG_GENERATION: u64 = 0xfc;
/// Configuration space begins here and goes on to the window's end.
pub(super) const CONFIG: u64 = 0x100;

/// "virt", little-endian.
pub(super) const MAGIC: u32 = 0x7472_6976;
/// The version of virtio 1.0 and later.
pub(super) const MODERN: u32 = 2;
/// "qvm", little-endian. Drivers do not look at it.
pub(super) const VENDOR: u32 = 0x006d_7671;
/// What the length and base of a shared memory region read as that is not there (4.2.2).
pub(super) const NO_SHARED_MEMORY: u32 = u32::MAX;
/// Bytes of configuration space that are compared for the generation; no device here has more.
pub(super) const CONFIG_SNAPSHOT: usize = 256;
