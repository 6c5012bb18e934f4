#![allow(clippy::unwrap_used)]

use super::*;
use crate::testing::{self, aarch64_kernel, aarch64_memory, file};

const SIZE: u64 = 64 << 20;
const MIB: u64 = 1 << 20;

fn kernel_error(bytes: &[u8]) -> String {
    match load_kernel(&aarch64_memory(SIZE), SIZE, &mut file(bytes)) {
        Ok(_) => "no error".to_owned(),
        Err(error) => error.to_string(),
    }
}

/// A kernel's header with one 64-bit field changed.
fn changed(field: usize, value: u64) -> Vec<u8> {
    let mut image = aarch64_kernel(0, &[]);
    image[field..field + 8].copy_from_slice(&value.to_le_bytes());
    image
}

#[test]
fn wrong_files_are_named() {
    let zboot = [b"MZ\0\0zimg".to_vec(), vec![0; 64]].concat();
    let mut bzimage = vec![1; 0x300];
    bzimage[0x202..0x206].copy_from_slice(b"HdrS");
    let mut aarch64_elf = testing::elf_kernel(0x10_0000, 0x10_0000, &[0; 64]);
    let x86_elf = aarch64_elf.clone();
    aarch64_elf[18] = 183;
    for (bytes, word) in [
        (&b""[..], "empty"),
        (b"\x1f\x8b\x08\0\0", "compressed file"),
        (&zboot, "zboot"),
        (&bzimage, "x86-64 (bzImage)"),
        (&x86_elf, "another processor"),
        (&aarch64_elf, "aarch64 ELF file"),
        (&changed(FLAGS, 1), "big-endian"),
        (&changed(IMAGE_SIZE, 0), "older than"),
        (&changed(IMAGE_SIZE, u64::MAX), "size is no kernel's"),
        (&changed(TEXT_OFFSET, 2 * MIB), "text offset"),
        (&changed(TEXT_OFFSET, 1), "text offset"),
        (&changed(TEXT_OFFSET, u64::MAX), "text offset"),
        (&changed(IMAGE_SIZE, 63 * MIB), "at least 65 MiB are needed"),
    ] {
        let text = kernel_error(bytes);
        assert!(text.contains(word), "{word}: {text}");
    }
}

#[test]
fn a_kernel_lies_where_its_header_says() {
    let image = aarch64_kernel(0x8_0000, b"code");
    let memory = aarch64_memory(SIZE);
    let kernel = load_kernel(&memory, SIZE, &mut file(&image)).unwrap();
    assert_eq!(kernel.start, layout::KERNEL + 0x8_0000);
    assert_eq!(kernel.end, kernel.start + u64_at(&image, IMAGE_SIZE));
    let mut found = vec![0; image.len()];
    memory.read_slice(&mut found, GuestAddress(kernel.start)).unwrap();
    assert_eq!(found, image);
}

#[test]
fn every_truncation_of_a_kernel_is_an_error_or_loads() {
    let image = aarch64_kernel(0, &[1; 32]);
    for length in 0..image.len() {
        kernel_error(&image[..length]);
    }
}

#[test]
fn the_tree_tells_where_everything_is() {
    let memory = aarch64_memory(SIZE);
    let payload = Payload {
        kernel: &mut file(&aarch64_kernel(0, b"code")),
        initrd: &[file(b"initrd")],
        cmdline: "panic=-1",
        cpus: 2,
        virtio: &[(layout::VIRTIO, 16)],
    };
    let entry = load(&memory, SIZE, payload).unwrap();
    assert_eq!(entry, BootEntry { address: layout::KERNEL, device_tree: layout::DEVICE_TREE });
    let mut tree = vec![0; 64 << 10];
    memory.read_slice(&mut tree, GuestAddress(entry.device_tree)).unwrap();
    let tree = testing::fdt::read(&tree);
    let start = layout::MEMORY + SIZE - 4096;
    assert_eq!(tree["/chosen"]["linux,initrd-start"], start.to_be_bytes());
    assert_eq!(tree["/chosen"]["linux,initrd-end"], (start + 8).to_be_bytes());
    assert_eq!(tree["/chosen"]["bootargs"], b"panic=-1\0");
    let mut initrd = [0; 8];
    memory.read_slice(&mut initrd, GuestAddress(start)).unwrap();
    assert_eq!(&initrd, b"initrd\0\0");
}

#[test]
fn seeds_differ_from_machine_to_machine() {
    let seed = || {
        let memory = aarch64_memory(SIZE);
        let payload = Payload {
            kernel: &mut file(&aarch64_kernel(0, b"code")),
            initrd: &[],
            cmdline: "",
            cpus: 1,
            virtio: &[],
        };
        let entry = load(&memory, SIZE, payload).unwrap();
        let mut tree = vec![0; 64 << 10];
        memory.read_slice(&mut tree, GuestAddress(entry.device_tree)).unwrap();
        let tree = testing::fdt::read(&tree);
        assert!(!tree["/chosen"].contains_key("linux,initrd-start"));
        (tree["/chosen"]["rng-seed"].clone(), tree["/chosen"]["kaslr-seed"].clone())
    };
    let (one, other) = (seed(), seed());
    assert_eq!((one.0.len(), one.1.len()), (64, 8));
    assert!(one.0 != other.0 && one.1 != other.1);
}

#[test]
fn a_command_line_that_linux_would_cut_is_refused() {
    for cmdline in ["x".repeat(2048), "a\0b".to_owned()] {
        let payload = Payload {
            kernel: &mut file(&aarch64_kernel(0, b"code")),
            initrd: &[],
            cmdline: &cmdline,
            cpus: 1,
            virtio: &[],
        };
        let error = load(&aarch64_memory(SIZE), SIZE, payload).unwrap_err();
        assert!(matches!(error, Error::CommandLine(_)), "{error}");
    }
}
