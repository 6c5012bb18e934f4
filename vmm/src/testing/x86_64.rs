//! Memory and pieces of code, which run in flat 32-bit mode.

use vm_memory::GuestAddress;

use crate::Memory;
use crate::arch::x86_64::layout;

/// Plain memory from address 0.
pub fn memory(size: u64) -> Memory {
    Memory::from_ranges(&[(GuestAddress(0), size as usize)]).unwrap()
}

const ENTRY: u32 = 0x10_0000;

/// A kernel that runs `code`.
pub fn kernel(code: &[u8]) -> Vec<u8> {
    super::elf_kernel(u64::from(ENTRY), ENTRY, code)
}

/// Registers of the first virtio device.
pub const WINDOW: u32 = layout::VIRTIO as u32;
/// Memory that nothing else is in.
pub const FREE: u32 = 0x30_0000;

/// `mov dx, port; mov al, value; out dx, al; hlt`.
pub fn out(port: u16, value: u8) -> Vec<u8> {
    let [low, high] = port.to_le_bytes();
    vec![0x66, 0xba, low, high, 0xb0, value, 0xee, 0xf4]
}

pub fn power_off() -> Vec<u8> {
    out(crate::legacy::power::SLEEP_CONTROL, 0x34)
}

pub fn reset() -> Vec<u8> {
    out(crate::legacy::power::RESET, 1)
}

pub fn panic() -> Vec<u8> {
    out(crate::legacy::pvpanic::PORT, 1)
}

/// Never ends.
pub fn spin() -> Vec<u8> {
    vec![0xeb, 0xfe]
}

/// Prints `text` to the serial port.
pub fn say(text: &[u8]) -> Vec<u8> {
    let mut code = vec![0x66, 0xba, 0xf8, 0x03];
    text.iter().for_each(|byte| code.extend_from_slice(&[0xb0, *byte, 0xee]));
    code
}

/// `mov dword [address], value`, one after the other.
pub fn stores(writes: &[(u32, u32)]) -> Vec<u8> {
    let store = |(address, value): &(u32, u32)| {
        [&[0xc7, 0x05][..], &address.to_le_bytes(), &value.to_le_bytes()].concat()
    };
    writes.iter().flat_map(store).collect()
}

/// Waits until bit 6 at `address` is set: `mov eax, [address]; test al, 64; jz` to the `mov`.
pub fn wait_for_bit_6(address: u32) -> Vec<u8> {
    [&[0xa1][..], &address.to_le_bytes(), &[0xa8, 64, 0x74, 0xf7]].concat()
}
