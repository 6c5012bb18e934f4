//! Exceptions that the guest gets for what it did: what the processor would do at EL1.

/// Processor state `EL1h` with all interrupts masked: how vCPUs start and exceptions arrive.
pub const EL1H_MASKED: u64 = 0x3c5;

/// `SCTLR_EL1` of a vCPU that starts: no MMU, no caches, and the bits that are always one.
pub const SCTLR_RESET: u64 = 0x00c5_0078;

const SCTLR_SPAN: u64 = 1 << 23;
const SCTLR_DSSBS: u64 = 1 << 44;
const PSTATE_SSBS: u64 = 1 << 12;
const PSTATE_PAN: u64 = 1 << 22;
const PSTATE_DIT: u64 = 1 << 24;
/// Condition flags.
const PSTATE_NZCV: u64 = 0xf << 28;
const PSTATE_AARCH32: u64 = 1 << 4;

/// A synchronous exception.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The instruction does not exist.
    Undefined,
    /// Nothing answers the address that the instruction was fetched from.
    Instruction {
        /// The guest-virtual address.
        address: u64,
    },
    /// Nothing answers the address that data was to be read from or written to.
    Data {
        /// The guest-virtual address.
        address: u64,
    },
}

/// What of the vCPU an exception depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Before {
    /// Address of the instruction.
    pub pc: u64,
    /// Processor state.
    pub cpsr: u64,
    /// `SCTLR_EL1`.
    pub sctlr: u64,
    /// `VBAR_EL1`.
    pub vbar: u64,
}

/// What an exception sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct After {
    /// The vector.
    pub pc: u64,
    /// Processor state.
    pub cpsr: u64,
    /// `ELR_EL1`.
    pub elr: u64,
    /// `SPSR_EL1`.
    pub spsr: u64,
    /// `ESR_EL1`.
    pub esr: u64,
    /// `FAR_EL1`, if it changes.
    pub far: Option<u64>,
}

/// Takes `fault` at EL1.
#[must_use]
pub fn take(fault: Fault, before: Before) -> After {
    let Before { pc, cpsr, sctlr, vbar } = before;
    let from_el0 = cpsr & PSTATE_AARCH32 != 0 || cpsr & 0xc == 0;
    let vector = match (cpsr & PSTATE_AARCH32 != 0, from_el0, cpsr & 1) {
        (true, ..) => 0x600,
        (false, true, _) => 0x400,
        (false, false, 1) => 0x200,
        (false, false, _) => 0,
    };
    // Synchronous external abort, not on a walk of tables.
    const EXTERNAL: u64 = 0x10;
    let (class, status, far) = match fault {
        Fault::Undefined => (0, 0, None),
        Fault::Instruction { address } => (0x20 | u64::from(!from_el0), EXTERNAL, Some(address)),
        Fault::Data { address } => (0x24 | u64::from(!from_el0), EXTERNAL, Some(address)),
    };
    let mut state = EL1H_MASKED | cpsr & (PSTATE_NZCV | PSTATE_DIT | PSTATE_PAN);
    if sctlr & SCTLR_SPAN == 0 {
        state |= PSTATE_PAN;
    }
    if sctlr & SCTLR_DSSBS != 0 {
        state |= PSTATE_SSBS;
    }
    After {
        pc: vbar.wrapping_add(vector),
        cpsr: state,
        elr: pc,
        spsr: cpsr,
        esr: class << 26 | super::syndrome::IL | status,
        far,
    }
}

#[cfg(test)]
#[path = "inject_test.rs"]
mod tests;
