//! Registers at the kernel's first instruction.

use std::mem::offset_of;

use kvm_bindings::{KVM_REG_ARM_CORE, KVM_REG_ARM64, KVM_REG_SIZE_U64, kvm_regs};
use kvm_ioctls::VcpuFd;

use crate::arch::aarch64::BootEntry;
use crate::hypervisor::Error;
use crate::hypervisor::kvm::failed;

/// EL1 with its own stack pointer, and interrupts, aborts and debug exceptions masked.
const PSTATE: u64 = 0x3c5;

const X0: u64 = core(offset_of!(kvm_regs, regs.regs));
const PC: u64 = core(offset_of!(kvm_regs, regs.pc));
const PSTATE_REGISTER: u64 = core(offset_of!(kvm_regs, regs.pstate));

/// Identity of the 64-bit core register at this offset of `kvm_regs`, which KVM counts in words
/// of 32 bits.
const fn core(offset: usize) -> u64 {
    KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE as u64 | (offset as u64 / 4)
}

/// Linux' boot protocol: the device tree in x0; x1 to x3 are zero after reset.
pub(super) fn set(fd: &VcpuFd, entry: &BootEntry) -> Result<(), Error> {
    let values = [(PC, entry.address), (X0, entry.device_tree), (PSTATE_REGISTER, PSTATE)];
    for (register, value) in values {
        fd.set_one_reg(register, &value.to_le_bytes()).map_err(failed("KVM_SET_ONE_REG"))?;
    }
    Ok(())
}

/// The address of the instruction that the guest is at, for messages.
pub(super) fn instruction(fd: &VcpuFd) -> u64 {
    let mut value = [0; 8];
    match fd.get_one_reg(PC, &mut value) {
        Ok(_) => u64::from_le_bytes(value),
        Err(_) => 0,
    }
}
