//! The 16 bytes at the top of the first MiB, where a processor in real mode looks for firmware.
//!
//! A kernel that restarts "through the BIOS" jumps here. Linux does so on hardware-reduced ACPI
//! machines that it was given no `reboot=` for: it then prefers EFI, finds none, and the BIOS is
//! next. Instead of firmware there is a reset by the reset port.

use vm_memory::{Bytes, GuestAddress, GuestMemoryError};

use crate::Memory;
use crate::legacy::power;

/// `f000:fff0`.
const VECTOR: u64 = 0xf_fff0;

/// Writes the code.
///
/// # Errors
/// Guest memory does not reach that far.
pub fn write(memory: &Memory) -> Result<(), GuestMemoryError> {
    let [low, high] = power::RESET.to_le_bytes();
    let code = [
        0xba,
        low,
        high, // mov dx, port
        0xb0,
        power::RESET_VALUE, // mov al, value
        0xee,               // out dx, al
        0xf4,               // hlt
        0xeb,
        0xfd, // jmp to the hlt
    ];
    memory.write_slice(&code, GuestAddress(VECTOR))
}
