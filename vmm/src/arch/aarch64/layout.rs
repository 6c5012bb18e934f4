//! Where things are in guest-physical memory. All addresses and lengths in bytes.
//!
//! ```text
//!  0x0800_0000  GICv3: distributor
//!  0x0900_0000  PL011 serial port, PL031 clock, panic register
//!  0x0a00_0000  virtio devices
//!  0x1000_0000  GICv3: a redistributor for each vCPU
//!  0x4000_0000  memory: device tree, kernel, … , initrd
//! ```
//!
//! An interrupt line is the number of a shared peripheral interrupt, from 0 (its id for the
//! controller is 32 more).

/// GICv3 distributor.
pub const GIC_DISTRIBUTOR: u64 = 0x0800_0000;
/// Its length.
pub const GIC_DISTRIBUTOR_SIZE: u64 = 0x1_0000;
/// GICv3 redistributors, one after the other. With room behind them: whether macOS takes the
/// space of as many as there are vCPUs, or of as many as it could have, is not documented.
pub const GIC_REDISTRIBUTORS: u64 = 0x1000_0000;
/// Length of one.
pub const GIC_REDISTRIBUTOR_SIZE: u64 = 0x2_0000;

/// PL011 serial port.
pub const SERIAL: u64 = 0x0900_0000;
/// PL031 real-time clock.
pub const RTC: u64 = 0x0901_0000;
/// Where a kernel tells that it panicked.
pub const PVPANIC: u64 = 0x0903_0000;
/// Interrupt line of the serial port.
pub const SERIAL_LINE: u32 = 1;

/// Registers of the first virtio device.
pub const VIRTIO: u64 = 0x0a00_0000;
/// Room of one virtio device.
pub const VIRTIO_STEP: u64 = 0x1000;
/// Interrupt lines of virtio devices.
pub const VIRTIO_LINES: std::ops::Range<u32> = 16..48;
/// First shared peripheral interrupt, as the controller counts.
pub const SPI_BASE: u32 = 32;

/// Private interrupts of each vCPU's timers, as the device tree counts: secure physical, physical,
/// virtual, hypervisor.
pub const TIMER_PPIS: [u32; 4] = [13, 14, 11, 10];

/// Start of memory.
pub const MEMORY: u64 = 0x4000_0000;
/// Device tree, in a room of 2 MiB, the most that it may have.
pub const DEVICE_TREE: u64 = MEMORY;
/// Kernels begin here, plus the offset that they name.
pub const KERNEL: u64 = MEMORY + (2 << 20);
/// End of the addresses at which a kernel may look for its initrd: 32 GiB from the start of
/// memory.
pub const INITRD_END: u64 = MEMORY + (32 << 30);
/// Most memory of a machine: with its start it stays in 39 bits of physical addresses. A host's
/// hypervisor may allow less.
pub const MEMORY_MAX: u64 = 1 << 38;

/// Affinity (`MPIDR_EL1`, the bits of its four affinity fields) of vCPU `id`: sixteen to a
/// cluster, as KVM numbers them and as one interrupt to many of them can tell apart.
#[must_use]
pub fn affinity(id: u8) -> u64 {
    u64::from(id) >> 4 << 8 | u64::from(id) & 0xf
}

/// The one range `(start, length)` that `size` bytes of memory occupy.
#[must_use]
pub fn ranges(size: u64) -> Vec<(u64, u64)> {
    vec![(MEMORY, size)]
}

/// Registers and interrupt line of virtio device number `index`, or `None` beyond the last.
#[must_use]
pub fn virtio_slot(index: usize) -> Option<(u64, u32)> {
    let index = u32::try_from(index).ok()?;
    let line = VIRTIO_LINES.start.checked_add(index).filter(|line| VIRTIO_LINES.contains(line))?;
    Some((VIRTIO + u64::from(index) * VIRTIO_STEP, line))
}

#[cfg(test)]
#[path = "layout_test.rs"]
mod tests;
