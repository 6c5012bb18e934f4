//! `MSR` and `MRS` of registers that trap.
//!
//! What the machine does not have is answered as a processor answers that does not have it:
//!
//! - identification registers read as zero, "no such feature";
//! - breakpoints, the OS lock and performance counters read as zero and forget what is written:
//!   debuggers and kernels set them without asking first;
//! - the counter reads as the counter;
//! - everything else is undefined, and the guest gets the exception that Arm prescribes: its
//!   kernel then names the instruction, where a made-up zero would be found much later. That
//!   holds for the interrupt controller's registers, too, which Hypervisor.framework answers
//!   itself: if one trapped, silence would lose interrupts.

/// A register, as `op0:2 op1:3 CRn:4 CRm:4 op2:3`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Id(u16);

impl Id {
    /// From its five numbers; more bits than each has are cut off.
    #[must_use]
    pub const fn new(op0: u8, op1: u8, crn: u8, crm: u8, op2: u8) -> Id {
        let (op0, op1) = (op0 as u16 & 3, op1 as u16 & 7);
        let (crn, crm, op2) = (crn as u16 & 15, crm as u16 & 15, op2 as u16 & 7);
        Id(op0 << 14 | op1 << 11 | crn << 7 | crm << 3 | op2)
    }

    /// Its five numbers.
    #[must_use]
    pub const fn numbers(self) -> (u16, u16, u16, u16, u16) {
        (self.0 >> 14, self.0 >> 11 & 7, self.0 >> 7 & 15, self.0 >> 3 & 15, self.0 & 7)
    }
}

/// As the assembler spells it.
impl std::fmt::Debug for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (op0, op1, crn, crm, op2) = self.numbers();
        write!(f, "S{op0}_{op1}_C{crn}_C{crm}_{op2}")
    }
}

/// One access to a trapped register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// Which register.
    pub id: Id,
    /// The general register: 31 reads as zero and forgets what is written.
    pub register: u8,
    /// `MSR`.
    pub write: bool,
}

impl Access {
    /// From the syndrome of class 0x18.
    #[must_use]
    pub fn decode(syndrome: u64) -> Access {
        #[expect(clippy::cast_possible_truncation, reason = "the lowest eight bits are meant")]
        let at = |low: u32| (syndrome >> low) as u8;
        Access {
            id: Id::new(at(20), at(14), at(10), at(1), at(17)),
            register: at(5) & 31,
            write: syndrome & 1 == 0,
        }
    }
}

/// What happens to an access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A read gives this.
    Value(u64),
    /// A write is forgotten.
    Ignored,
    /// There is no such register.
    Undefined,
}

/// `OSLSR_EL1`: there is an OS lock, and it is open.
const OS_LOCK_OPEN: u64 = 1 << 3;

/// Answers `access`; `counter` is the physical counter.
#[must_use]
pub fn answer(access: Access, counter: u64) -> Answer {
    match (value(access.id, counter), access.write) {
        (Some(value), false) => Answer::Value(value),
        (Some(_), true) if !is_constant(access.id) => Answer::Ignored,
        _ => Answer::Undefined,
    }
}

/// Registers that cannot be written.
fn is_constant(id: Id) -> bool {
    match id.numbers() {
        // CSSELR_EL1 is the only one among the identification registers that can.
        (3, op1, 0, crm, op2) => (op1, crm, op2) != (2, 0, 0),
        // CNTPCT_EL0, CNTVCT_EL0 and their self-synchronised twins.
        (3, 3, 14, 0, _) | (2, 0, 1, 1, 4) => true,
        _ => false,
    }
}

/// What a read gives, if there is such a register.
fn value(id: Id, counter: u64) -> Option<u64> {
    match id.numbers() {
        (2, 0, 1, 1, 4) => Some(OS_LOCK_OPEN),
        // Breakpoints, watchpoints, OS lock, double lock, debug communications channel.
        // Identification of processor, features, caches. Auxiliary control: nothing to control.
        (2, 0 | 3, ..) | (3, 0..=3, 0, ..) | (3, 0, 1, 0, 1) => Some(0),
        // Performance counters.
        (3, 0 | 3, 9, 12..=14, _) | (3, 3, 14, 8..=15, _) => Some(0),
        (3, 3, 14, 0, 1 | 2 | 5 | 6) => Some(counter),
        // The physical timer, which never fires.
        (3, 3, 14, 2, 0..=2) => Some(0),
        _ => None,
    }
}

#[cfg(test)]
#[path = "sysreg_test.rs"]
mod tests;
