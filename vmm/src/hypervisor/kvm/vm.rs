//! A KVM virtual machine: memory slots, interrupt controllers, event descriptors.

#![expect(unsafe_code, reason = "hands guest memory's address to KVM")]

use std::sync::Arc;

use kvm_bindings::{CpuId, KVM_PIT_SPEAKER_DUMMY, kvm_pit_config, kvm_userspace_memory_region};
use kvm_ioctls::{Cap, IoEventAddress, Kvm, VmFd};
use virtio_devices::event::Event;
use virtio_devices::transport::mmio::IrqTrigger;
use vm_memory::{Address, GuestMemoryBackend, GuestMemoryRegion};

use super::{failed, vcpu::KvmVcpu, x86_64};
use crate::Memory;
use crate::arch::{VcpuInit, X86_64, x86_64::BootEntry, x86_64::layout};
use crate::hypervisor::{Error, Vm};

/// One KVM virtual machine.
pub struct KvmVm {
    fd: VmFd,
    cpuid: CpuId,
    tsc_deadline: bool,
    /// Kept mapped while KVM uses it; dropped after `fd`, as fields drop in order.
    memory: Option<Arc<Memory>>,
}

impl KvmVm {
    pub(super) fn new(system: &Kvm, cpuid: CpuId) -> Result<Self, Error> {
        // Creation takes a while and gives up when a signal arrives.
        let fd = loop {
            match system.create_vm() {
                Err(error) if error.errno() == libc::EINTR => {}
                other => break other.map_err(failed("KVM_CREATE_VM"))?,
            }
        };
        // Three pages for real mode on Intel processors, away from memory and devices.
        fd.set_identity_map_address(layout::IDENTITY_MAP)
            .map_err(failed("KVM_SET_IDENTITY_MAP_ADDR"))?;
        fd.set_tss_address(layout::TSS).map_err(failed("KVM_SET_TSS_ADDR"))?;
        x86_64::disable_pmu(&fd);
        fd.create_irq_chip().map_err(failed("KVM_CREATE_IRQCHIP"))?;
        let pit = kvm_pit_config { flags: KVM_PIT_SPEAKER_DUMMY, ..Default::default() };
        fd.create_pit2(pit).map_err(failed("KVM_CREATE_PIT2"))?;
        let tsc_deadline = fd.check_extension(Cap::TscDeadlineTimer);
        Ok(KvmVm { fd, cpuid, tsc_deadline, memory: None })
    }

    /// The guest's memory, once it is mapped.
    #[cfg(test)]
    pub(super) fn memory(&self) -> &Memory {
        self.memory.as_deref().expect("memory is mapped first")
    }
}

impl Vm for KvmVm {
    type Vcpu = KvmVcpu;
    type Arch = X86_64;

    fn map_memory(&mut self, memory: Arc<Memory>) -> Result<(), Error> {
        for (slot, region) in (0u32..).zip(memory.iter()) {
            let region = kvm_userspace_memory_region {
                slot,
                flags: 0,
                guest_phys_addr: region.start_addr().raw_value(),
                memory_size: region.len(),
                userspace_addr: region.as_ptr() as u64,
            };
            // SAFETY: the range is mapped for as long as `memory` lives, and `self` holds it
            // until after the VM's descriptor is closed.
            unsafe { self.fd.set_user_memory_region(region) }
                .map_err(failed("KVM_SET_USER_MEMORY_REGION"))?;
        }
        self.memory = Some(memory);
        Ok(())
    }

    fn create_vcpu(&self, init: &VcpuInit<BootEntry>) -> Result<KvmVcpu, Error> {
        let fd = self.fd.create_vcpu(u64::from(init.id)).map_err(failed("KVM_CREATE_VCPU"))?;
        x86_64::initialise(&fd, &self.cpuid, self.tsc_deadline, init)?;
        Ok(KvmVcpu::new(fd))
    }

    fn add_doorbell(&self, address: u64, value: u32, event: &Event) -> Result<bool, Error> {
        self.fd
            .register_ioevent(event.as_eventfd(), &IoEventAddress::Mmio(address), value)
            .map_err(failed("KVM_IOEVENTFD"))?;
        Ok(true)
    }

    fn interrupt(&self, line: u32) -> Result<Box<dyn IrqTrigger>, Error> {
        let event = Event::new().map_err(|source| Error::Call { call: "eventfd", source })?;
        self.fd.register_irqfd(event.as_eventfd(), line).map_err(failed("KVM_IRQFD"))?;
        Ok(Box::new(event))
    }
}
