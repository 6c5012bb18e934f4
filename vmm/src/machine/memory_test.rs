#![allow(clippy::unwrap_used)]

use vm_memory::{Bytes, GuestAddress, GuestMemoryBackend, GuestMemoryRegion};

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
        let text = check(size, 4096, 16 * GIB, 256 * GIB).unwrap_err().to_string();
        assert!(text.contains(word), "{size}: {text}");
    }
    let text = check(512 * GIB, 4096, 1024 * GIB, 256 * GIB).unwrap_err().to_string();
    assert!(text.contains("262144 MiB"), "{text}");
    assert!(check(64 * MIB, 4096, 16 * GIB, 256 * GIB).is_ok());
    let text = check(64 * MIB + 4096, 16384, 16 * GIB, 256 * GIB).unwrap_err().to_string();
    assert!(text.contains("multiple of 16384"), "{text}");
}

#[test]
fn ten_terabytes_are_refused_on_this_host() {
    assert!(matches!(create::<Native>(10 << 40), Err(Error::MemoryTooLarge { .. })));
}

#[test]
fn memory_lies_where_the_architecture_has_it() {
    if sys::host_memory() < 5 * GIB {
        println!("skipped: this host has less than 5 GiB");
        return;
    }
    let memory = create::<Native>(5 * GIB).unwrap();
    let regions: Vec<_> = memory.iter().map(|r| (r.start_addr().0, r.len())).collect();
    assert_eq!(regions, Native::ranges(5 * GIB));
    let (start, length) = regions[regions.len() - 1];
    memory.write_obj(0x55u8, GuestAddress(start)).unwrap();
    assert!(memory.write_obj(0x55u8, GuestAddress(start + length)).is_err());
    assert!(memory.write_obj(0x55u8, GuestAddress(start.wrapping_sub(1))).is_err());
}

#[cfg(target_os = "linux")]
#[test]
fn memory_costs_nothing_until_touched_and_keeps_its_size() {
    let size = sys::host_memory().min(5 * GIB) / MIB * MIB;
    let memory = create::<Native>(size).unwrap();
    let last = memory.iter().last().unwrap();
    memory.write_obj(0x55u8, last.start_addr()).unwrap();
    let file = last.file_offset().unwrap();
    assert_eq!(file.start(), size - last.len());
    let meta = file.file().metadata().unwrap();
    assert_eq!(meta.len(), size);
    let blocks = std::os::unix::fs::MetadataExt::blocks(&meta);
    assert!(blocks * 512 <= 4 * MIB, "{blocks} blocks");
    assert!(file.file().set_len(0).is_err(), "sealed");
}
