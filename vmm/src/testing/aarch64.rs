//! Pieces of code, which run at EL1 with the MMU off.

use crate::arch::aarch64::layout;

/// A kernel that runs `code`.
pub fn kernel(code: &[u8]) -> Vec<u8> {
    super::aarch64_kernel(0, code)
}

/// Registers of the first virtio device.
pub const WINDOW: u32 = layout::VIRTIO as u32;
/// Memory that nothing else is in.
pub const FREE: u32 = layout::MEMORY as u32 + 0x100_0000;

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// `movz wN, low; movk wN, high, lsl 16`.
fn load(register: u32, value: u32) -> [u32; 2] {
    let (low, high) = (value & 0xffff, value >> 16);
    [0x5280_0000 | low << 5 | register, 0x72a0_0000 | high << 5 | register]
}

/// Calls the firmware: `hvc #0`.
fn call(function: u32) -> Vec<u8> {
    let [low, high] = load(0, function);
    words(&[low, high, 0xd400_0002])
}

pub fn power_off() -> Vec<u8> {
    call(0x8400_0008)
}

pub fn reset() -> Vec<u8> {
    call(0x8400_0009)
}

pub fn panic() -> Vec<u8> {
    stores(&[(layout::PVPANIC as u32, 1)])
}

/// Sleeps, and never ends: `wfi; b` to the `wfi`.
pub fn spin() -> Vec<u8> {
    words(&[0xd503_207f, 0x17ff_ffff])
}

/// Prints `text` to the serial port.
pub fn say(text: &[u8]) -> Vec<u8> {
    let writes: Vec<_> =
        text.iter().map(|byte| (layout::SERIAL as u32, u32::from(*byte))).collect();
    stores(&writes)
}

/// `str w0, [x1]` of each value at its address.
pub fn stores(writes: &[(u32, u32)]) -> Vec<u8> {
    let store = |(address, value): &(u32, u32)| {
        words(&[&load(1, *address)[..], &load(0, *value), &[0xb900_0020]].concat())
    };
    writes.iter().flat_map(store).collect()
}

/// Waits until bit 6 at `address` is set: `ldr w0, [x1]; tbz w0, #6` to the `ldr`.
pub fn wait_for_bit_6(address: u32) -> Vec<u8> {
    let [low, high] = load(1, address);
    words(&[low, high, 0xb940_0020, 0x3637_ffe0])
}
