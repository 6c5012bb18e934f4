//! Entries for fuzzing: raw bytes into the real code.

use std::fs::File;
use std::io::Write;

use virtio_devices::event::Event;
use vm_memory::GuestAddress;

use crate::Memory;
use crate::boot;
use crate::bus::{Action, Bus, BusDevice};
use crate::legacy::{i8042, power, pvpanic, serial};
use crate::machine::memory;

/// Loads `data` as a kernel, and as an initrd behind it.
pub fn fuzz_kernel(data: &[u8]) {
    let size = memory::MIN;
    let Ok(length) = usize::try_from(size) else {
        return;
    };
    let Ok(memory) = Memory::from_ranges(&[(GuestAddress(0), length)]) else {
        return;
    };
    let Some(mut kernel) = file(data) else { return };
    if let Ok(kernel) = boot::x86_64::load_kernel(&memory, size, &mut kernel) {
        assert!(kernel.end <= size, "a kernel that does not fit was accepted");
        if let Some(initrd) = file(data) {
            let limit = kernel.initrd_limit.min(size);
            if let Ok(Some((start, length))) =
                boot::initrd::load(&memory, size, &[initrd], kernel.end, limit)
            {
                assert!(start >= kernel.end && start + length <= size);
            }
        }
    }
}

/// Plays `data` as accesses to the legacy devices, twelve bytes each.
pub fn fuzz_bus(data: &[u8]) {
    let Some(bus) = legacy_bus() else { return };
    for access in data.chunks_exact(12) {
        let address = u64::from(access[0]) << 8 | u64::from(access[1]);
        let mut value = [0; 8];
        value.copy_from_slice(&access[4..12]);
        let width = access[2];
        if access[3] & 1 == 0 {
            let mask = u64::MAX >> (64 - 8 * u32::from(width.clamp(1, 8)));
            assert_eq!(bus.read(address, width) & !mask, 0, "more bytes than were asked for");
        } else if bus.write(address, width, u64::from_le_bytes(value)) != Action::None {
            return;
        }
    }
}

fn legacy_bus() -> Option<Bus> {
    let interrupt = Box::new(Event::new().ok()?);
    let com1 = serial::Com1::new(interrupt, serial::Sink::new(None).ok()?);
    let devices: [(u16, u16, Box<dyn BusDevice>); 4] = [
        (serial::PORT, u16::from(serial::PORTS), Box::new(com1)),
        (power::PORT, power::PORTS, Box::new(power::Power)),
        (pvpanic::PORT, 1, Box::new(pvpanic::PvPanic)),
        (i8042::PORT, i8042::PORTS, Box::new(i8042::I8042)),
    ];
    let mut bus = Bus::default();
    for (port, ports, device) in devices {
        bus.add(u64::from(port), u64::from(ports), device).ok()?;
    }
    Some(bus)
}

fn file(data: &[u8]) -> Option<File> {
    let flags = rustix::fs::MemfdFlags::CLOEXEC;
    let mut file: File = rustix::fs::memfd_create("fuzz", flags).ok()?.into();
    file.write_all(data).ok()?;
    Some(file)
}

#[cfg(test)]
#[path = "fuzzing_test.rs"]
mod tests;
