//! The serial port with its interrupt line.

use std::os::fd::OwnedFd;

use vmm_sys_util::eventfd::EventFd;

use crate::arch::x86_64::layout;
use crate::bus::BusDevice;
use crate::hypervisor::Vm;
use crate::legacy::serial::{Com1, Sink};
use crate::machine::Error;

pub(super) fn make<V: Vm>(vm: &V, out: Option<OwnedFd>) -> Result<Box<dyn BusDevice>, Error> {
    let failed = |source: std::io::Error| Error::Device {
        name: "serial".to_owned(),
        source: Box::new(source),
    };
    let interrupt = EventFd::new(libc::EFD_CLOEXEC | libc::EFD_NONBLOCK).map_err(failed)?;
    vm.add_interrupt(layout::SERIAL_GSI, &interrupt)?;
    Ok(Box::new(Com1::new(interrupt, Sink::new(out).map_err(failed)?)))
}
