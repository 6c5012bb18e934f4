//! A [`MachineSpec`] becomes a running machine.
//!
//! [`Machine::new`] does everything that needs rights, from descriptors that are already open.
//! The caller then confines the process, and [`Machine::run`] starts the vCPUs. What the process
//! still calls from there on is in `syscalls`.

pub mod devices;
pub mod error;
pub(crate) mod huge;
pub mod memory;
mod run;
pub mod spec;
#[cfg(target_os = "linux")]
pub mod syscalls;
mod vcpu;

use std::fs::File;
use std::os::fd::OwnedFd;
use std::sync::Arc;

pub use error::{Error, RunError};
pub use run::{Exit, Outcome};
pub use spec::{FirstEntry, MachineSpec, VhostUserSpec};

use crate::Memory;
use crate::arch::{Arch, VcpuInit};
use crate::boot;
use crate::bus::Bus;
#[cfg(target_os = "linux")]
use crate::hypervisor::kvm::Kvm;
use crate::hypervisor::{Hypervisor, Vm};

/// Most vCPUs of a machine.
pub const CPUS_MAX: u8 = 32;

/// A machine that has everything but vCPU threads.
pub struct Machine<V: Vm> {
    /// Dropped before the VM: a vCPU's end may still need it.
    vcpus: Vec<V::Vcpu>,
    /// Dropped before memory is unmapped, which its devices use.
    buses: Buses,
    watches: Vec<devices::Watch>,
    stop: Option<OwnedFd>,
    first_entry: Option<FirstEntry>,
    /// Keeps interrupt lines and doorbells alive, and guest memory.
    _vm: V,
}

/// The two address spaces of devices.
#[derive(Default)]
pub struct Buses {
    /// I/O ports, which only x86 has.
    pub ports: Bus,
    /// Memory-mapped registers.
    pub mmio: Bus,
}

#[cfg(target_os = "linux")]
impl Machine<<Kvm as Hypervisor>::Vm> {
    /// Builds the machine on KVM: memory, devices, kernel, vCPUs.
    ///
    /// # Errors
    /// [`Error`], which names what failed and what to do.
    pub fn new(mut spec: MachineSpec) -> Result<Self, Error> {
        let kvm = spec.kvm.take().ok_or(Error::NoKvm)?;
        Machine::with(&Kvm::new(kvm)?, spec)
    }
}

impl<V: Vm> Machine<V> {
    /// Builds the machine on any hypervisor.
    ///
    /// # Errors
    /// [`Error`].
    pub fn with(hypervisor: &impl Hypervisor<Vm = V>, spec: MachineSpec) -> Result<Self, Error> {
        if spec.cpus == 0 || spec.cpus > CPUS_MAX {
            return Err(Error::Cpus(spec.cpus));
        }
        let memory = Arc::new(memory::create::<V::Arch>(spec.memory)?);
        let mut vm = hypervisor.create_vm(spec.cpus)?;
        vm.map_memory(Arc::clone(&memory))?;
        Self::assemble(vm, &memory, spec)
    }

    fn assemble(vm: V, memory: &Arc<Memory>, mut spec: MachineSpec) -> Result<Self, Error> {
        let length = |file: &File| file.metadata().map_or(0, |metadata| metadata.len());
        let initrd = spec.initrd.iter().map(length).sum();
        huge::prepare::<V::Arch>(memory, spec.memory, length(&spec.kernel), initrd);
        let built = devices::build(&vm, memory, &mut spec)?;
        let payload = boot::Payload {
            kernel: &mut spec.kernel,
            initrd: &spec.initrd,
            cmdline: &spec.cmdline,
            cpus: spec.cpus,
            virtio: &built.virtio,
        };
        let entry = V::Arch::load(memory, spec.memory, payload)?;
        let vcpus = (0..spec.cpus)
            .map(|id| {
                let entry = (id == 0).then_some(entry);
                vm.create_vcpu(&VcpuInit { id, cpus: spec.cpus, entry })
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Machine {
            vcpus,
            buses: built.buses,
            watches: built.watches,
            stop: spec.stop,
            first_entry: spec.first_entry,
            _vm: vm,
        })
    }
}

#[cfg(all(test, target_os = "linux"))]
#[path = "machine_test.rs"]
mod tests;
