#![allow(clippy::unwrap_used)]

use std::io::Cursor;

use super::*;
use crate::fuzzing::{sample_arm64_image, sample_vmlinux};

fn look(bytes: &[u8], arch: Arch) -> Result<Option<Vec<u8>>, Refusal> {
    inspect(&mut Cursor::new(bytes), arch)
}

#[test]
fn a_kernel_and_its_configuration() {
    let config = b"\x1f\x8bpacked".as_slice();
    let bytes = sample_vmlinux(62, true, Some(config));
    assert_eq!(look(&bytes, Arch::X86_64).unwrap().as_deref(), Some(config));
    assert_eq!(look(&sample_vmlinux(62, true, None), Arch::X86_64).unwrap(), None);
}

#[test]
fn what_is_no_kernel_says_what_it_is() {
    for (bytes, word) in [
        (b"".as_slice(), "empty"),
        (b"\x1f\x8b\x08\x00", "compressed"),
        (b"\xfd7zXZ", "compressed"),
        (b"MZ\x90", "bzImage"),
        (b"#!/bin/sh\n", "something else"),
    ] {
        assert!(
            matches!(look(bytes, Arch::X86_64), Err(Refusal::Kind(said)) if said.contains(word))
        );
    }
}

#[test]
fn another_processor_is_named() {
    for (machine, arch, word) in [
        (183, Arch::X86_64, "aarch64"),
        (62, Arch::Aarch64, "x86_64"),
        (243, Arch::X86_64, "riscv64"),
        (3, Arch::X86_64, "32-bit"),
        (8, Arch::X86_64, "ELF machine 8"),
    ] {
        let bytes = sample_vmlinux(machine, true, None);
        assert!(matches!(look(&bytes, arch), Err(Refusal::Machine(found)) if found.contains(word)));
    }
    let mut thirty_two = sample_vmlinux(62, true, None);
    thirty_two[4] = 1;
    assert!(matches!(look(&thirty_two, Arch::X86_64), Err(Refusal::Machine(_))));
}

#[test]
fn without_the_entry_it_is_refused() {
    let bytes = sample_vmlinux(62, false, None);
    assert!(matches!(look(&bytes, Arch::X86_64), Err(Refusal::NoEntry)));
}

#[test]
fn headers_that_lie_are_refused() {
    let whole = sample_vmlinux(62, true, None);
    let broken = |at: usize, value: &[u8]| {
        let mut bytes = whole.clone();
        bytes[at..at + value.len()].copy_from_slice(value);
        look(&bytes, Arch::X86_64)
    };
    // The table: its place, the size of an entry, their number.
    assert!(matches!(broken(32, &u64::MAX.to_le_bytes()), Err(Refusal::Corrupt(_))));
    assert!(matches!(broken(54, &[0, 0]), Err(Refusal::Corrupt(_))));
    assert!(matches!(broken(56, &[0, 0]), Err(Refusal::Corrupt(_))));
    assert!(matches!(broken(56, &[0xff, 0xff]), Err(Refusal::Corrupt(_))));
    // The first segment: its place and its size.
    assert!(matches!(broken(HEADER + 8, &u64::MAX.to_le_bytes()), Err(Refusal::Corrupt(_))));
    assert!(matches!(broken(HEADER + 32, &[0xff, 0xff, 0xff]), Err(Refusal::Corrupt(_))));
    assert!(matches!(look(&whole[..40], Arch::X86_64), Err(Refusal::Corrupt(_))));
    assert!(matches!(look(&whole[..HEADER + 20], Arch::X86_64), Err(Refusal::Corrupt(_))));
}

#[test]
fn notes_are_walked_to_their_end() {
    let note = |name: u32, value: u32, kind: u32| {
        [name.to_le_bytes(), value.to_le_bytes(), kind.to_le_bytes()].concat()
    };
    let entry = [note(4, 4, PHYS32_ENTRY), b"Xen\0\x00\x00\x00\x01".to_vec()].concat();
    let other = [note(4, 6, 3), b"GNU\0abcdef\0\0".to_vec()].concat();
    assert!(names_entry(&entry));
    assert!(names_entry(&[other.clone(), entry.clone()].concat()));
    assert!(!names_entry(&other));
    assert!(!names_entry(&entry[..entry.len() - 1]));
    assert!(!names_entry(&[note(u32::MAX, u32::MAX, PHYS32_ENTRY), entry].concat()));
}

#[test]
fn an_arm64_image_is_one_piece() {
    let bytes = sample_arm64_image(b"IKCFG_ST\x1f\x8bxIKCFG_ED");
    assert_eq!(look(&bytes, Arch::Aarch64).unwrap().as_deref(), Some(&b"\x1f\x8bx"[..]));
    assert!(
        matches!(look(&bytes, Arch::X86_64), Err(Refusal::Machine(found)) if found == "aarch64")
    );
    let elf = sample_vmlinux(183, false, None);
    assert!(matches!(look(&elf, Arch::Aarch64), Err(Refusal::Kind(said)) if said.contains("ELF")));
    let mut big_endian = bytes;
    big_endian[24] |= 1;
    assert!(matches!(look(&big_endian, Arch::Aarch64), Err(Refusal::Corrupt(_))));
}
