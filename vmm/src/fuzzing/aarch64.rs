//! Kernels and registers of aarch64.

use virtio_devices::event::Event;

use super::{file, memory_at, play};
use crate::arch::aarch64::layout;
use crate::boot::{self, Payload};
use crate::bus::Bus;
use crate::legacy::{pl011, pvpanic, rtc, sink};
use crate::machine::memory;

/// Boots `data` as a kernel, with itself as initrd.
pub fn fuzz_kernel_aarch64(data: &[u8]) {
    let size = memory::MIN;
    let (Some(memory), Some(mut kernel), Some(initrd)) =
        (memory_at(layout::MEMORY), file(data), file(data))
    else {
        return;
    };
    let end = layout::MEMORY + size;
    if let Ok(kernel) = boot::aarch64::load_kernel(&memory, size, &mut kernel) {
        assert!(kernel.start >= layout::KERNEL, "a kernel lies where the device tree is");
        assert!(kernel.end <= end, "a kernel that does not fit was accepted");
    }
    let payload =
        Payload { kernel: &mut kernel, initrd: &[initrd], cmdline: "", cpus: 1, virtio: &[] };
    if let Ok(entry) = boot::aarch64::load(&memory, size, payload) {
        assert!((layout::KERNEL..end).contains(&entry.address));
    }
}

/// Plays `data` as accesses to the registers, twelve bytes each.
pub fn fuzz_bus_aarch64(data: &[u8]) {
    if let Some(bus) = registers() {
        // Four bits choose the device or what is beside it, twelve the register.
        play(&bus, data, |at| layout::SERIAL + (u64::from(at >> 12) << 16) + u64::from(at & 0xfff));
    }
}

fn registers() -> Option<Bus> {
    let interrupt = Box::new(Event::new().ok()?);
    let serial = pl011::Pl011::new(interrupt, sink::Sink::new(None).ok()?);
    let mut bus = Bus::default();
    bus.add(layout::SERIAL, pl011::SIZE, Box::new(serial)).ok()?;
    bus.add(layout::RTC, rtc::SIZE, Box::new(rtc::Rtc::default())).ok()?;
    bus.add(layout::PVPANIC, pvpanic::MMIO_SIZE, Box::new(pvpanic::PvPanic)).ok()?;
    Some(bus)
}
