#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]

use super::*;
use crate::testing::{self, file};

const SIZE: u64 = 64 << 20;

fn kernel_error(bytes: &[u8]) -> String {
    match load_kernel(&testing::memory(SIZE), SIZE, &mut file(bytes)) {
        Ok(_) => "no error".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn wrong_files_are_named() {
    for (bytes, word) in [
        (&b""[..], "empty"),
        (b"#!/bin/sh\n", "script"),
        (b"070701000", "cpio"),
        (b"\x1f\x8b\x08\0\0", "compressed"),
        (&[0; 4096], "zeros"),
        (b"hello world", "no known kind"),
        (b"\x7fELF", "ends within"),
    ] {
        let text = kernel_error(bytes);
        assert!(text.contains(word), "{text}");
    }
    let program = std::fs::read("/proc/self/exe").unwrap();
    let text = kernel_error(&program);
    assert!(text.contains("below 1 MiB") || text.contains("PVH"), "{text}");
}

#[test]
fn elf_with_pvh_note_loads_where_it_says() {
    let memory = testing::memory(SIZE);
    let image = testing::elf_kernel(0x10_0000, 0x10_0008, b"\xf4\xf4\xf4\xf4\xf4\xf4\xf4\xf4\xf4");
    let kernel = load_kernel(&memory, SIZE, &mut file(&image)).unwrap();
    assert!(matches!(kernel.start, Start::Pvh { address: 0x10_0008 }));
    assert_eq!(kernel.end, 0x10_0009);
    let byte: u8 = vm_memory::Bytes::read_obj(&memory, vm_memory::GuestAddress(0x10_0008)).unwrap();
    assert_eq!(byte, 0xf4);
}

#[test]
fn elf_outside_of_memory_is_refused() {
    for (address, word) in [(0x1000, "below 1 MiB"), (SIZE, "-m"), (u64::MAX - 4, "outside")] {
        let text =
            kernel_error(&testing::elf_kernel(address, 0x10_0000, b"\xf4\xf4\xf4\xf4\xf4\xf4"));
        assert!(text.contains(word), "{address:#x}: {text}");
    }
}

#[test]
fn every_truncation_of_a_kernel_is_an_error_or_loads() {
    let image = testing::elf_kernel(0x10_0000, 0x10_0000, &[0xf4; 32]);
    for length in 0..image.len() {
        kernel_error(&image[..length]);
    }
}

#[test]
fn initrds_are_joined_at_multiples_of_four_at_the_top() {
    let memory = testing::memory(SIZE);
    let files = [file(b"abcde"), file(b"fgh"), file(b"ijkl")];
    let (start, total) = initrd::load(&memory, SIZE, &files, 1 << 20, SIZE).unwrap().unwrap();
    assert_eq!(total, 16);
    assert_eq!(start, SIZE - 4096);
    let mut bytes = [0u8; 16];
    vm_memory::Bytes::read_slice(&memory, &mut bytes, vm_memory::GuestAddress(start)).unwrap();
    assert_eq!(&bytes, b"abcde\0\0\0fgh\0ijkl");
    assert!(initrd::load(&memory, SIZE, &[], 1 << 20, SIZE).unwrap().is_none());
}

#[test]
fn an_initrd_too_large_says_how_much_memory_it_wants() {
    let memory = testing::memory(SIZE);
    let large = file(b"x");
    large.set_len(SIZE).unwrap();
    let error = initrd::load(&memory, SIZE, &[large], 1 << 20, SIZE).unwrap_err();
    assert!(error.to_string().contains("129 MiB are needed"), "{error}");
    let flags = rustix::fs::MemfdFlags::CLOEXEC;
    let endless = File::from(rustix::fs::memfd_create("endless", flags).unwrap());
    endless.set_len(i64::MAX as u64).unwrap();
    assert!(initrd::load(&memory, SIZE, &[endless], 1 << 20, SIZE).is_err());
}

#[test]
fn command_lines_that_linux_would_cut_are_refused() {
    let memory = testing::memory(SIZE);
    assert!(cmdline::write(&memory, &"x".repeat(2047), layout::COMMAND_LINE).is_ok());
    assert!(cmdline::write(&memory, &"x".repeat(2048), layout::COMMAND_LINE).is_err());
    assert!(cmdline::write(&memory, "a\0b", layout::COMMAND_LINE).is_err());
}
