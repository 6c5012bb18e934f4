#![allow(clippy::unwrap_used)]

use linux_loader::loader::bootparam::boot_params;

use super::*;
use crate::arch::x86_64::memory_map;

#[test]
fn offsets_are_those_of_the_kernels_structure() {
    assert_eq!(std::mem::offset_of!(boot_params, acpi_rsdp_addr), RSDP);
    assert_eq!(std::mem::offset_of!(boot_params, e820_entries), E820_COUNT);
    assert_eq!(std::mem::offset_of!(boot_params, e820_table), E820);
    assert_eq!(std::mem::offset_of!(boot_params, hdr), HEADER);
    assert_eq!(std::mem::offset_of!(boot_params, hdr.type_of_loader), TYPE_OF_LOADER);
    assert_eq!(std::mem::offset_of!(boot_params, hdr.ramdisk_image), RAMDISK);
    assert_eq!(std::mem::offset_of!(boot_params, hdr.cmd_line_ptr), COMMAND_LINE);
}

#[test]
fn page_carries_header_map_and_addresses() {
    let memory = crate::testing::memory(1 << 20);
    let map = memory_map::entries(5 << 30);
    let page = ZeroPage { header: &[7; 500], initrd: Some((0x1000, 5)), rsdp: 0xe_0000, map: &map };
    let at = page.write(&memory).unwrap();
    let mut bytes = [0u8; 0x1000];
    memory.read_slice(&mut bytes, GuestAddress(at)).unwrap();
    assert_eq!(bytes[HEADER], 7);
    assert_eq!(bytes[HEADER_END], 0, "a longer header is cut");
    assert_eq!(bytes[TYPE_OF_LOADER], 0xff);
    assert_eq!(bytes[RAMDISK..RAMDISK + 8], [0, 0x10, 0, 0, 5, 0, 0, 0]);
    assert_eq!(usize::from(bytes[E820_COUNT]), map.len());
    let last = &bytes[E820 + 20 * (map.len() - 1)..];
    assert_eq!(last[..8], 0x1_0000_0000u64.to_le_bytes());
}
