//! The ports of the machine: COM1, power and reset, a port for panics, the keyboard controller's
//! reset.

use std::os::fd::OwnedFd;

use super::layout;
use crate::hypervisor::Vm;
use crate::legacy::serial::{self, Com1};
use crate::legacy::sink::Sink;
use crate::legacy::{i8042, power, pvpanic};
use crate::machine::{Buses, Error};

/// Adds them.
pub(super) fn add<V: Vm>(vm: &V, buses: &mut Buses, out: Option<OwnedFd>) -> Result<(), Error> {
    let failed = |source| Error::Device { name: "serial".to_owned(), source: Box::new(source) };
    let sink = Sink::new(out).map_err(failed)?;
    let com1 = Com1::new(vm.interrupt(layout::SERIAL_GSI)?, sink);
    let ports = &mut buses.ports;
    ports.add(u64::from(serial::PORT), u64::from(serial::PORTS), Box::new(com1))?;
    ports.add(u64::from(power::PORT), u64::from(power::PORTS), Box::new(power::Power))?;
    ports.add(u64::from(pvpanic::PORT), 1, Box::new(pvpanic::PvPanic))?;
    ports.add(u64::from(i8042::PORT), u64::from(i8042::PORTS), Box::new(i8042::I8042))?;
    Ok(())
}
