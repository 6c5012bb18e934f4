//! The features that a guest sees: its host's, less what the machine does not have.
//!
//! Hidden, too, is the Scalable Matrix Extension, which Apple's processors since the M4 have without
//! SVE. Linux until early 2025 took its registers for SVE's, and programs that believed it (Java
//! among them) died of instructions that do not exist.

use super::binding::{Cpu, SysReg};

/// `ID_AA64PFR0_EL1.GIC`: the interrupt controller's system registers.
const GIC: u32 = 24;
/// `ID_AA64PFR1_EL1.SME`.
const SME: u32 = 24;
/// `ID_AA64DFR0_EL1`: trace, performance monitors, statistical profiling, trace filters and
/// buffers, branch records.
const DEBUG_EXTRAS: [u32; 6] = [4, 8, 32, 40, 44, 52];
/// `ID_AA64MMFR0_EL1.PARange`.
const PA_RANGE: u32 = 0;
/// Bits of physical address by the value of `PARange`.
const PA_BITS: [u32; 7] = [32, 36, 40, 42, 44, 48, 52];

/// Sets them for a vCPU of a machine with guest-physical addresses of `ipa_bits`. The framework
/// may refuse to tell or to change one: then it decides what the guest sees, and traps what it
/// must. Those of SVE and SME it does not know before macOS 15.2.
pub(super) fn set(cpu: &mut impl Cpu, ipa_bits: u32) {
    type Change = fn(u64, u32) -> u64;
    let changes: [(SysReg, Change); 6] = [
        (SysReg::IdAa64Pfr0El1, |value, _| processor(value)),
        (SysReg::IdAa64Pfr1El1, |value, _| with(value, SME, 0)),
        (SysReg::IdAa64Zfr0El1, |_, _| 0),
        (SysReg::IdAa64Smfr0El1, |_, _| 0),
        (SysReg::IdAa64Dfr0El1, |value, _| debug(value)),
        (SysReg::IdAa64Mmfr0El1, memory),
    ];
    for (register, change) in changes {
        let Ok(value) = cpu.sys_reg(register) else {
            continue;
        };
        let changed = change(value, ipa_bits);
        if changed != value {
            let _ = cpu.set_sys_reg(register, changed);
        }
    }
}

fn with(value: u64, field: u32, content: u64) -> u64 {
    value & !(0xf << field) | content << field
}

fn processor(value: u64) -> u64 {
    if value >> GIC & 0xf == 0 { with(value, GIC, 1) } else { value }
}

fn debug(value: u64) -> u64 {
    DEBUG_EXTRAS.iter().fold(value, |value, field| with(value, *field, 0))
}

/// No more physical address than the guest's tables at EL2 translate.
fn memory(value: u64, ipa_bits: u32) -> u64 {
    let mut range = 0;
    for (code, bits) in (0..).zip(PA_BITS) {
        if bits <= ipa_bits {
            range = code;
        }
    }
    with(value, PA_RANGE, range.min(value & 0xf))
}

#[cfg(test)]
#[path = "features_test.rs"]
mod tests;
