//! The devices that are not virtio: PL011 serial port, PL031 clock, a register for panics. Power
//! off and reset are calls of the firmware (PSCI), which the hypervisor answers.

use std::os::fd::OwnedFd;

use super::layout;
use crate::hypervisor::Vm;
use crate::legacy::pl011::{self, Pl011};
use crate::legacy::pvpanic::{self, PvPanic};
use crate::legacy::rtc::{self, Rtc};
use crate::legacy::sink::Sink;
use crate::machine::{Buses, Error};

/// Adds them.
pub(super) fn add<V: Vm>(vm: &V, buses: &mut Buses, out: Option<OwnedFd>) -> Result<(), Error> {
    let failed = |source| Error::Device { name: "serial".to_owned(), source: Box::new(source) };
    let sink = Sink::new(out).map_err(failed)?;
    let serial = Pl011::new(vm.interrupt(layout::SERIAL_LINE)?, sink);
    buses.mmio.add(layout::SERIAL, pl011::SIZE, Box::new(serial))?;
    buses.mmio.add(layout::RTC, rtc::SIZE, Box::new(Rtc::default()))?;
    buses.mmio.add(layout::PVPANIC, pvpanic::MMIO_SIZE, Box::new(PvPanic))?;
    Ok(())
}
