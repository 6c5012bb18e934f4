#![allow(clippy::unwrap_used)]

use super::*;
use crate::arch::x86_64::memory_map;

#[test]
fn start_info_points_at_its_parts() {
    let memory = crate::testing::memory(1 << 20);
    let map = memory_map::entries(4 << 30);
    let info = StartInfo { initrd: Some((0x0700_0000, 0x1234)), rsdp: layout::ACPI, map: &map };
    let at = info.write(&memory).unwrap();
    let u32_at = |offset: u64| memory.read_obj::<u32>(GuestAddress(offset)).unwrap();
    let u64_at = |offset: u64| memory.read_obj::<u64>(GuestAddress(offset)).unwrap();
    assert_eq!((u32_at(at), u32_at(at + 4), u32_at(at + 12)), (MAGIC, 1, 1));
    let modules = u64_at(at + 16);
    assert_eq!((u64_at(modules), u64_at(modules + 8)), (0x0700_0000, 0x1234));
    assert_eq!(u64_at(at + 24), layout::COMMAND_LINE);
    assert_eq!(u64_at(at + 32), layout::ACPI);
    assert_eq!(u32_at(at + 48) as usize, map.len());
    let first = u64_at(at + 40);
    for (index, entry) in map.iter().enumerate() {
        let at = first + 24 * index as u64;
        assert_eq!((u64_at(at), u64_at(at + 8)), (entry.start, entry.size));
        assert_eq!(u32_at(at + 16), entry.kind as u32);
    }
}

#[test]
fn no_initrd_means_no_module() {
    let memory = crate::testing::memory(1 << 20);
    let at = StartInfo { initrd: None, rsdp: 0, map: &[] }.write(&memory).unwrap();
    assert_eq!(memory.read_obj::<u32>(GuestAddress(at + 12)).unwrap(), 0);
    assert_eq!(memory.read_obj::<u64>(GuestAddress(at + 16)).unwrap(), 0);
}
