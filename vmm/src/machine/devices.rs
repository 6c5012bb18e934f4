//! Which devices a machine has and where.

mod virtio;

use std::os::fd::OwnedFd;
use std::sync::Arc;

use super::{Buses, Error, MachineSpec};
use crate::Memory;
use crate::arch::Arch;
use crate::hypervisor::Vm;

/// A descriptor whose hang-up ends the machine.
pub struct Watch {
    /// Whose it is, for messages.
    pub name: String,
    /// A second descriptor of the device's socket; only looked at, never read.
    pub socket: OwnedFd,
}

/// All devices of a machine.
pub(super) struct Built {
    pub(super) buses: Buses,
    /// Registers and interrupt line of each virtio device.
    pub(super) virtio: Vec<(u64, u32)>,
    pub(super) watches: Vec<Watch>,
}

/// Makes the devices of `spec`, taking their files and sockets out of it.
pub(super) fn build<V: Vm>(
    vm: &V,
    memory: &Arc<Memory>,
    spec: &mut MachineSpec,
) -> Result<Built, Error> {
    let mut buses = Buses::default();
    V::Arch::add_legacy(vm, &mut buses, spec.serial.take())?;
    let (windows, watches) = virtio::make(spec)?;
    let virtio = virtio::place(vm, memory, &mut buses.mmio, windows)?;
    Ok(Built { buses, virtio, watches })
}
