//! A KVM virtual machine: memory slots and event descriptors.

#![expect(unsafe_code, reason = "hands guest memory's address to KVM")]

use std::sync::Arc;

use kvm_bindings::kvm_userspace_memory_region;
use kvm_ioctls::{IoEventAddress, Kvm, VmFd};
use virtio_devices::event::Event;
use virtio_devices::transport::mmio::IrqTrigger;
use vm_memory::{Address, GuestMemoryBackend, GuestMemoryRegion};

use super::{failed, native::Board, vcpu::KvmVcpu};
use crate::Memory;
use crate::arch::{Native, VcpuInit};
use crate::hypervisor::{Entry, Error, Vm};

/// One KVM virtual machine.
pub struct KvmVm {
    fd: VmFd,
    board: Board,
    /// Kept mapped while KVM uses it; dropped after `fd`, as fields drop in order.
    memory: Option<Arc<Memory>>,
}

impl KvmVm {
    pub(super) fn new(system: &Kvm, cpus: u8) -> Result<Self, Error> {
        let (fd, board) = Board::new(system, cpus)?;
        Ok(KvmVm { fd, board, memory: None })
    }

    /// The guest's memory, once it is mapped.
    #[cfg(all(test, target_arch = "x86_64"))]
    pub(super) fn memory(&self) -> &Memory {
        self.memory.as_deref().expect("memory is mapped first")
    }
}

/// Creates a machine by `create`, which takes a while and gives up when a signal arrives.
pub(super) fn create(create: impl Fn() -> Result<VmFd, kvm_ioctls::Error>) -> Result<VmFd, Error> {
    loop {
        match create() {
            Err(error) if error.errno() == libc::EINTR => {}
            other => return other.map_err(failed("KVM_CREATE_VM")),
        }
    }
}

impl Vm for KvmVm {
    type Vcpu = KvmVcpu;
    type Arch = Native;

    fn map_memory(&mut self, memory: Arc<Memory>) -> Result<(), Error> {
        for (slot, region) in (0u32..).zip(memory.iter()) {
            let start = region.start_addr().raw_value();
            self.board.check_memory(start, region.len())?;
            let region = kvm_userspace_memory_region {
                slot,
                flags: 0,
                guest_phys_addr: start,
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

    fn create_vcpu(&self, init: &VcpuInit<Entry<Self>>) -> Result<KvmVcpu, Error> {
        Ok(KvmVcpu::new(self.board.create_vcpu(&self.fd, init)?))
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
