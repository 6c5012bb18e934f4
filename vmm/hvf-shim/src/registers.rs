//! What KVM calls the registers.

use std::mem::offset_of;

use applevisor_sys::{hv_error_t, hv_reg_t, hv_sys_reg_t};
use kvm_bindings::{
    KVM_REG_ARM_CORE, KVM_REG_ARM64, KVM_REG_ARM64_SYSREG, KVM_REG_SIZE_U64, kvm_regs,
};

use crate::Answer;

/// Of a core register at this offset, which KVM counts in words of 32 bits.
const fn core(offset: usize) -> u64 {
    KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE as u64 | (offset as u64 / 4)
}

const X0: u64 = core(offset_of!(kvm_regs, regs.regs));
/// Program counter.
pub const PC: u64 = core(offset_of!(kvm_regs, regs.pc));
const PSTATE: u64 = core(offset_of!(kvm_regs, regs.pstate));
const ELR_EL1: u64 = core(offset_of!(kvm_regs, elr_el1));
const SPSR_EL1: u64 = core(offset_of!(kvm_regs, spsr));

/// `KVM_REG_ARM_TIMER_CVAL`, which has the place of the counter.
const TIMER_CVAL: u64 = 0xdf02;

/// A general register.
pub fn general(register: hv_reg_t) -> Answer<u64> {
    match register as u64 {
        number @ 0..=30 => Ok(X0 + 2 * number),
        _ if register == hv_reg_t::PC => Ok(PC),
        _ if register == hv_reg_t::CPSR => Ok(PSTATE),
        _ => Err(hv_error_t::HV_BAD_ARGUMENT),
    }
}

/// A system register: numbered alike, but for a few.
pub fn system(register: hv_sys_reg_t) -> u64 {
    let number = match register {
        hv_sys_reg_t::ELR_EL1 => return ELR_EL1,
        hv_sys_reg_t::SPSR_EL1 => return SPSR_EL1,
        hv_sys_reg_t::CNTV_CVAL_EL0 => TIMER_CVAL,
        other => other as u64,
    };
    KVM_REG_ARM64 | KVM_REG_SIZE_U64 | u64::from(KVM_REG_ARM64_SYSREG) | number
}
