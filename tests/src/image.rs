//! Images to run: the one that was built, shown elsewhere, and ones whose kernel is none.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{lossy, qvm_binary, stdout};

/// The directory of the default image.
pub fn default_image() -> PathBuf {
    let output = Command::new(qvm_binary()).args(["image", "path", "default"]).output().unwrap();
    PathBuf::from(stdout(&output).trim_end())
}

/// A cache in `cache` with a copy of the default image but for the files in `except`, for tests
/// that spoil it or for another user. No links: they would change the real files' change times,
/// by which qvm knows what it has verified.
pub fn another_cache(cache: &Path, except: &[&str]) -> PathBuf {
    let real = default_image();
    let copy = cache.join("images").join(real.file_name().unwrap());
    fs::create_dir_all(&copy).unwrap();
    for entry in fs::read_dir(&real).unwrap().flatten() {
        let name = entry.file_name();
        // What was verified there says nothing here.
        if name != "verified.json" && !except.iter().any(|other| name == *other) {
            fs::copy(entry.path(), copy.join(name)).unwrap();
        }
    }
    copy
}

/// A sound image in `dir` but for its kernel, which is `kernel`; the rest is never read.
pub fn image_with_kernel(dir: &Path, kernel: &[u8]) {
    fs::create_dir_all(dir).unwrap();
    let manifest = fs::read(default_image().join("manifest.json")).unwrap();
    let mut manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    for (name, entry) in manifest["files"].as_object_mut().unwrap() {
        let path = dir.join(name);
        let content = if name == "vmlinux" { kernel } else { &[0; 4096] };
        fs::write(&path, content).unwrap();
        let hashed = Command::new("sha256sum").arg(&path).output().unwrap();
        entry["size"] = content.len().into();
        entry["sha256"] = lossy(&hashed.stdout).split(' ').next().unwrap().into();
    }
    fs::write(dir.join("manifest.json"), manifest.to_string()).unwrap();
}

/// A kernel by its form, an ELF file with a PVH note, that consists of these instructions.
pub fn tiny_kernel(instructions: &[u8]) -> Vec<u8> {
    const ENTRY: u64 = 0x100_0000;
    const PAGE: u64 = 0x1000;
    let length = u64::try_from(instructions.len()).unwrap();
    let mut file = b"\x7fELF\x02\x01\x01".to_vec();
    file.resize(16, 0);
    // An x86-64 program, version 1; two program headers follow this one.
    file.extend([2u16, 62].map(u16::to_le_bytes).concat());
    file.extend(1u32.to_le_bytes());
    file.extend([ENTRY, 64, 0].map(u64::to_le_bytes).concat());
    file.extend(0u32.to_le_bytes());
    file.extend([64u16, 56, 2, 0, 0, 0].map(u16::to_le_bytes).concat());
    // PT_LOAD, then PT_NOTE: type, flags; offset, addresses, sizes, alignment.
    file.extend([1u32, 7].map(u32::to_le_bytes).concat());
    file.extend([PAGE, ENTRY, ENTRY, length, length, PAGE].map(u64::to_le_bytes).concat());
    file.extend([4u32, 4].map(u32::to_le_bytes).concat());
    file.extend([64 + 2 * 56, 0, 0, 24, 24, 4].map(u64::to_le_bytes).concat());
    // XEN_ELFNOTE_PHYS32_ENTRY.
    file.extend([4u32, 8, 18].map(u32::to_le_bytes).concat());
    file.extend(b"Xen\0");
    file.extend(ENTRY.to_le_bytes());
    file.resize(usize::try_from(PAGE).unwrap(), 0);
    file.extend(instructions);
    file
}
