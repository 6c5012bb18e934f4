//! Why a trap came: `ESR_EL2`, by the Arm architecture (D24.2, "ESR_ELx").
//!
//! ```text
//!  63      32 31   26 25 24                                  0
//! |  (zero)  |  EC  |IL|  ISS: depends on the class EC        |
//! ```
//!
//! Of a data abort, the processor describes the instruction (`ISV`) when it is a load or store
//! of one general register without writeback. For all others (pairs, SIMD, post-index, atomics)
//! the rest of the ISS means nothing, and nothing is decoded from it.

use super::sysreg;

/// Bit 25: the instruction is 32 bits wide, as all of AArch64 are.
pub const IL: u64 = 1 << 25;

/// A trap to EL2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trap {
    /// `WFI` or `WFIT`: the guest waits for an interrupt.
    WaitForInterrupt,
    /// `WFE` or `WFET`: it waits for another vCPU, in a loop of its own.
    WaitForEvent,
    /// `HVC` with its immediate.
    Hvc(u16),
    /// `SMC` with its immediate.
    Smc(u16),
    /// `MSR` or `MRS` of a trapped register.
    SysReg(sysreg::Access),
    /// An instruction or a data access that no memory answers.
    Abort(Abort),
    /// A floating-point, SVE or SME instruction, or a pointer authentication one, that the vCPU
    /// does not have.
    NoSuchInstruction,
    /// A class that never reaches a hypervisor which traps what this one traps.
    Unknown(u8),
}

/// An abort from a lower exception level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Abort {
    /// A fetch of an instruction.
    Instruction,
    /// A load or store of one register.
    Access(Access),
    /// Cache maintenance by address.
    CacheMaintenance,
    /// A walk of the guest's page tables left memory, or the instruction is not described.
    Undescribed,
    /// The host's memory failed.
    Hardware,
}

/// A load or store of one general register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// Width in bytes: 1, 2, 4 or 8.
    pub size: u8,
    /// The register's number; 31 reads as zero and forgets what is written.
    pub register: u8,
    /// Whether a load extends the sign.
    pub sign: bool,
    /// Whether the register is 64 bits wide (`X`) or 32 (`W`).
    pub wide: bool,
    /// A store.
    pub write: bool,
}

impl Access {
    /// What a store of a register with `value` puts on the bus.
    #[must_use]
    pub fn stored(&self, value: u64) -> u64 {
        value & mask(self.size)
    }

    /// What a load leaves in the register when the bus answers `value`.
    #[must_use]
    pub fn loaded(&self, value: u64) -> u64 {
        let value = value & mask(self.size);
        let negative = self.sign && value >> (8 * u32::from(self.size.clamp(1, 8)) - 1) & 1 == 1;
        let extended = if negative { value | !mask(self.size) } else { value };
        if self.wide { extended } else { extended & mask(4) }
    }
}

fn mask(size: u8) -> u64 {
    u64::MAX >> (64 - 8 * u32::from(size.clamp(1, 8)))
}

/// Field of `width` bits of `value`, from bit `low`.
fn field(value: u64, low: u32, width: u32) -> u8 {
    #[expect(clippy::cast_possible_truncation, reason = "the lowest eight bits are meant")]
    let field = (value >> low & ((1 << width) - 1)) as u8;
    field
}

fn bit(value: u64, bit: u32) -> bool {
    value >> bit & 1 == 1
}

/// What `syndrome` says.
#[must_use]
pub fn decode(syndrome: u64) -> Trap {
    #[expect(clippy::cast_possible_truncation, reason = "the lowest sixteen bits are meant")]
    let immediate = syndrome as u16;
    match field(syndrome, 26, 6) {
        0x01 if bit(syndrome, 0) => Trap::WaitForEvent,
        0x01 => Trap::WaitForInterrupt,
        0x07 | 0x09 | 0x19 | 0x1d => Trap::NoSuchInstruction,
        0x16 => Trap::Hvc(immediate),
        0x17 => Trap::Smc(immediate),
        0x18 => Trap::SysReg(sysreg::Access::decode(syndrome)),
        0x20 => Trap::Abort(instruction_abort(syndrome)),
        0x24 => Trap::Abort(data_abort(syndrome)),
        class => Trap::Unknown(class),
    }
}

/// Synchronous external aborts and parity errors: not the guest's doing.
fn is_hardware(syndrome: u64) -> bool {
    matches!(field(syndrome, 0, 6), 0x10 | 0x13..=0x1f)
}

fn instruction_abort(syndrome: u64) -> Abort {
    if is_hardware(syndrome) { Abort::Hardware } else { Abort::Instruction }
}

fn data_abort(syndrome: u64) -> Abort {
    let (valid, walk, maintenance) = (bit(syndrome, 24), bit(syndrome, 7), bit(syndrome, 8));
    if is_hardware(syndrome) {
        Abort::Hardware
    } else if walk {
        Abort::Undescribed
    } else if maintenance {
        Abort::CacheMaintenance
    } else if valid {
        Abort::Access(Access {
            size: 1 << field(syndrome, 22, 2),
            register: field(syndrome, 16, 5),
            sign: bit(syndrome, 21),
            wide: bit(syndrome, 15),
            write: bit(syndrome, 6),
        })
    } else {
        Abort::Undescribed
    }
}

#[cfg(test)]
#[path = "syndrome_test.rs"]
mod tests;
