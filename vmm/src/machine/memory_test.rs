#![allow(clippy::unwrap_used)]

use vm_memory::Bytes;

use super::*;
use crate::arch::Native;

const GIB: u64 = 1 << 30;

#[test]
fn impossible_sizes_are_explained() {
    for (size, word) in [
        (0, "at least 64 MiB"),
        (63 * MIB, "at least 64 MiB"),
        (64 * MIB + 1, "multiple of 4096"),
        (10_000 * GIB, "all that this host has"),
        (!4095, "all that this host has"),
    ] {
        let text = check(size, 16 * GIB, 256 * GIB).unwrap_err().to_string();
        assert!(text.contains(word), "{size}: {text}");
    }
    let text = check(512 * GIB, 1024 * GIB, 256 * GIB).unwrap_err().to_string();
    assert!(text.contains("262144 MiB"), "{text}");
    assert!(check(64 * MIB, 16 * GIB, 256 * GIB).is_ok());
}

#[test]
fn ten_terabytes_are_refused_on_this_host() {
    assert!(matches!(create::<Native>(10 << 40), Err(Error::MemoryTooLarge { .. })));
}

#[test]
fn memory_crosses_the_hole_and_costs_nothing_until_touched() {
    if host_memory() < 5 * GIB {
        println!("skipped: this host has less than 5 GiB");
        return;
    }
    let memory = create::<Native>(5 * GIB).unwrap();
    let regions: Vec<_> = memory.iter().map(|r| (r.start_addr().0, r.len())).collect();
    assert_eq!(
        regions,
        [
            (0, crate::arch::x86_64::layout::HOLE),
            (crate::arch::x86_64::layout::HOLE_END, 5 * GIB - crate::arch::x86_64::layout::HOLE)
        ]
    );
    memory.write_obj(0x55u8, GuestAddress(crate::arch::x86_64::layout::HOLE_END)).unwrap();
    assert!(memory.write_obj(0x55u8, GuestAddress(crate::arch::x86_64::layout::HOLE)).is_err());
    let second = memory.iter().nth(1).unwrap().file_offset().unwrap();
    assert_eq!(second.start(), crate::arch::x86_64::layout::HOLE);
    let meta = second.file().metadata().unwrap();
    assert_eq!(meta.len(), 5 * GIB);
    let blocks = std::os::unix::fs::MetadataExt::blocks(&meta);
    assert!(blocks * 512 <= 4 * MIB, "{blocks} blocks");
    assert!(second.file().set_len(0).is_err(), "sealed");
}
