//! aarch64: GICv3 and timers in the kernel, the first state of a vCPU, exits for what the
//! architecture does not decode.
//!
//! KVM wants all vCPUs before it initialises the interrupt controller, and that before an event
//! can be an interrupt line. So vCPUs are made with the machine and wait here for
//! [`Board::create_vcpu`].

mod exit;
mod gic;
mod registers;

use std::sync::{Mutex, PoisonError};

use kvm_bindings::{
    KVM_ARM_VCPU_POWER_OFF, KVM_ARM_VCPU_PSCI_0_2, KVM_CAP_ARM_INJECT_EXT_DABT,
    KVM_CAP_ARM_NISV_TO_USER, kvm_enable_cap, kvm_vcpu_init,
};
use kvm_ioctls::{Cap, DeviceFd, Kvm, VcpuFd, VmFd};

use super::{failed, vm};
use crate::arch::VcpuInit;
use crate::arch::aarch64::BootEntry;
use crate::hypervisor::Error;
pub(super) use exit::{Access, exit};

/// What the host must be able to do, by the names of the KVM documentation. All of it is in
/// Linux 5.5, but for hosts without GICv3.
pub(super) const REQUIRED: &[(&str, u32)] = &[
    ("KVM_CAP_ARM_INJECT_EXT_DABT", KVM_CAP_ARM_INJECT_EXT_DABT),
    ("KVM_CAP_ARM_NISV_TO_USER", KVM_CAP_ARM_NISV_TO_USER),
    ("KVM_CAP_ARM_PSCI_0_2", Cap::ArmPsci02 as u32),
    ("KVM_CAP_DEVICE_CTRL", Cap::DeviceCtrl as u32),
    ("KVM_CAP_IMMEDIATE_EXIT", Cap::ImmediateExit as u32),
    ("KVM_CAP_IOEVENTFD", Cap::Ioeventfd as u32),
    ("KVM_CAP_IRQFD", Cap::Irqfd as u32),
    ("KVM_CAP_ONE_REG", Cap::OneReg as u32),
    ("KVM_CAP_USER_MEMORY", Cap::UserMemory as u32),
];

/// Bits of guest-physical addresses that the machine asks for, and those that a host has which
/// does not say.
const ADDRESS_BITS: u32 = 40;

/// What a machine has before its memory.
pub(super) struct Board {
    /// By number, until they are asked for.
    vcpus: Mutex<Vec<Option<VcpuFd>>>,
    processor: kvm_vcpu_init,
    address_bits: u32,
    _gic: DeviceFd,
}

impl Board {
    /// Creates a machine with its interrupt controller and `cpus` vCPUs.
    pub(super) fn new(system: &Kvm, cpus: u8) -> Result<(VmFd, Self), Error> {
        // Zero: the host does not say, and has the bits that all had before some said.
        let limit = u32::try_from(system.get_host_ipa_limit()).unwrap_or(0);
        let address_bits = if limit == 0 { ADDRESS_BITS } else { ADDRESS_BITS.min(limit) };
        let fd = vm::create(|| match limit {
            0 => system.create_vm_with_type(0),
            _ => system.create_vm_with_ipa_size(address_bits),
        })?;
        let undecoded = kvm_enable_cap { cap: KVM_CAP_ARM_NISV_TO_USER, ..Default::default() };
        fd.enable_cap(&undecoded).map_err(failed("KVM_CAP_ARM_NISV_TO_USER"))?;
        let mut processor = kvm_vcpu_init::default();
        fd.get_preferred_target(&mut processor).map_err(failed("KVM_ARM_PREFERRED_TARGET"))?;
        processor.features[0] |= 1 << KVM_ARM_VCPU_PSCI_0_2;
        let vcpus = (0..cpus)
            .map(|id| fd.create_vcpu(u64::from(id)).map(Some).map_err(failed("KVM_CREATE_VCPU")))
            .collect::<Result<Vec<_>, _>>()?;
        let gic = gic::create(&fd)?;
        Ok((fd, Board { vcpus: Mutex::new(vcpus), processor, address_bits, _gic: gic }))
    }

    /// Whether memory from `start` on is within the addresses that the host can give a guest.
    pub(super) fn check_memory(&self, start: u64, length: u64) -> Result<(), Error> {
        let end = 1u64 << self.address_bits;
        if start.checked_add(length).is_some_and(|last| last <= end) {
            return Ok(());
        }
        Err(Error::AddressSpace { bits: self.address_bits, limit_mib: (end - start) >> 20 })
    }

    /// The vCPU of this number, in its first state.
    pub(super) fn create_vcpu(
        &self,
        _vm: &VmFd,
        init: &VcpuInit<BootEntry>,
    ) -> Result<VcpuFd, Error> {
        let mut vcpus = self.vcpus.lock().unwrap_or_else(PoisonError::into_inner);
        let fd = vcpus
            .get_mut(usize::from(init.id))
            .and_then(Option::take)
            .ok_or_else(|| Error::Stuck(format!("there is no CPU {} to be made", init.id)))?;
        drop(vcpus);
        let mut processor = self.processor;
        if init.entry.is_none() {
            // It waits for the first one's call of the firmware.
            processor.features[0] |= 1 << KVM_ARM_VCPU_POWER_OFF;
        }
        fd.vcpu_init(&processor).map_err(failed("KVM_ARM_VCPU_INIT"))?;
        if let Some(entry) = &init.entry {
            registers::set(&fd, entry)?;
        }
        Ok(fd)
    }
}
