//! An access to a device, from KVM's exit to the next entry.
//!
//! KVM completes it itself: it sets the guest's register and moves its program counter. What the
//! backend does to both in between is kept here, checked, and given to KVM as the value.

use applevisor_sys::{hv_error_t, hv_reg_t};

use crate::Answer;

/// One access under way.
pub struct Access {
    /// The register that the backend is told of.
    register: u64,
    /// What that register holds meanwhile.
    value: u64,
    /// A load whose value has come.
    answered: bool,
    write: bool,
    size: u32,
    /// Program counter: at the instruction, and now.
    at: u64,
    pc: u64,
}

/// Class, length, validity and status "translation fault, level 3".
const DATA_ABORT: u64 = 0x24 << 26 | 1 << 25 | 1 << 24 | 7;
/// Register 31: the zero register.
const ZERO: u64 = 31;
/// What lies above the value in a register that is stored, to be cut off.
const GARBAGE: u64 = 0xa5a5_a5a5_a5a5_a5a5;

impl Access {
    /// An access of `size` bytes by the instruction at `pc`; of a store, with what it stores.
    /// `turn` decides what register it is said to be of. With the syndrome for the backend.
    pub fn new(turn: u64, pc: u64, size: u32, write: Option<u64>) -> (Access, u64) {
        let mask = u64::MAX >> (64 - 8 * size.clamp(1, 8));
        let zero = write == Some(0) && turn % 2 == 0;
        let register = if zero { ZERO } else { turn * 7 % 31 };
        let value = match write {
            Some(value) => value & mask | GARBAGE & !mask,
            None => GARBAGE,
        };
        let (sign, wide) = (turn >> 1 & 1, size == 8 || turn >> 2 & 1 == 1);
        let syndrome = DATA_ABORT
            | u64::from(size.trailing_zeros()) << 22
            | sign << 21
            | register << 16
            | u64::from(wide) << 15
            | u64::from(write.is_some()) << 6;
        let write = write.is_some();
        (Access { register, value, answered: false, write, size, at: pc, pc }, syndrome)
    }

    /// A register as the backend finds it, if it is another than KVM's.
    pub fn read(&self, register: hv_reg_t) -> Option<u64> {
        match register {
            hv_reg_t::PC => Some(self.pc),
            _ if register as u64 == self.register => Some(self.value),
            _ => None,
        }
    }

    /// Takes what the backend sets, if it is not KVM's.
    pub fn write(&mut self, register: hv_reg_t, value: u64) -> bool {
        match register {
            hv_reg_t::PC => self.pc = value,
            _ if register as u64 == self.register && !self.write => {
                (self.value, self.answered) = (value, true);
            }
            _ => return false,
        }
        true
    }

    /// Before the next entry: the value of a load, if the backend has left all as it must be.
    pub fn finish(self) -> Answer<Option<Vec<u8>>> {
        if self.pc != self.at.wrapping_add(4) || self.answered == self.write {
            eprintln!("hvf-shim: the access at {:#x} was not completed", self.at);
            return Err(hv_error_t::HV_ILLEGAL_GUEST_STATE);
        }
        let bytes = self.value.to_le_bytes().into_iter().take(self.size as usize).collect();
        Ok((!self.write).then_some(bytes))
    }
}

#[cfg(test)]
#[path = "access_test.rs"]
mod tests;
