//! Kernels and ports of x86-64.

use virtio_devices::event::Event;

use super::{file, memory_at, play};
use crate::boot;
use crate::bus::{Bus, BusDevice};
use crate::legacy::{i8042, power, pvpanic, serial, sink};
use crate::machine::memory;

/// Loads `data` as a kernel, and as an initrd behind it.
pub fn fuzz_kernel(data: &[u8]) {
    let size = memory::MIN;
    let (Some(memory), Some(mut kernel)) = (memory_at(0), file(data)) else {
        return;
    };
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

/// Plays `data` as accesses to the ports, twelve bytes each.
pub fn fuzz_bus(data: &[u8]) {
    if let Some(bus) = ports() {
        play(&bus, data, u64::from);
    }
}

fn ports() -> Option<Bus> {
    let interrupt = Box::new(Event::new().ok()?);
    let com1 = serial::Com1::new(interrupt, sink::Sink::new(None).ok()?);
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
