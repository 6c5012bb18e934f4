#![allow(clippy::unwrap_used)]

use std::fs;
use std::process::Command;

use super::*;
use crate::KernelRecipe;
use crate::fuzzing::{sample_arm64_image, sample_vmlinux};

/// Of x86_64 in ELF.
const MACHINE: u16 = 62;

/// What is said of a file with this content.
fn said(content: &[u8]) -> Result<(), String> {
    said_on(Arch::X86_64, content)
}

fn said_on(arch: Arch, content: &[u8]) -> Result<(), String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("vmlinux");
    fs::write(&path, content).unwrap();
    let checked = check_kernel_file(&path, arch);
    checked.map_err(|e| e.to_string().replace(&path.display().to_string(), "FILE"))
}

fn with_config(text: &str) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config");
    fs::write(&path, text).unwrap();
    let packed = Command::new("gzip").arg("-c").arg(&path).output().unwrap().stdout;
    sample_vmlinux(MACHINE, true, Some(&packed))
}

#[test]
fn a_kernel_with_our_configuration_is_fine() {
    let config = KernelRecipe::debian(Arch::X86_64).config;
    assert_eq!(said(&with_config(&config)), Ok(()));
    assert_eq!(said(&sample_vmlinux(MACHINE, true, None)), Ok(()), "it does not tell");
}

#[test]
fn what_it_lacks_is_named() {
    let config = KernelRecipe::debian(Arch::X86_64).config;
    let config = config.replace("CONFIG_EROFS_FS=y", "CONFIG_EROFS_FS=m");
    let config = config.replace("CONFIG_VIRTIO_FS=y\n", "");
    let said = said(&with_config(&config)).unwrap_err();
    assert!(said.contains("FILE lacks CONFIG_EROFS_FS=y, CONFIG_VIRTIO_FS=y:"), "{said}");
    assert!(said.contains("qvm image kernel") && !said.contains('\n'), "{said}");
}

#[test]
fn one_line_for_each_kind_of_file() {
    let other = sample_vmlinux(8, true, None);
    for (content, words) in [
        (b"".as_slice(), ["no kernel", "empty"]),
        (b"MZ", ["no kernel", "bzImage"]),
        (&other, ["FILE is for another processor", "x86_64"]),
        (&other[..20], ["damaged", "ELF header"]),
    ] {
        let said = said(content).unwrap_err();
        assert!(words.iter().all(|word| said.contains(word)) && !said.contains('\n'), "{said}");
    }
}

#[test]
fn what_is_no_file_is_not_read() {
    let dir = tempfile::tempdir().unwrap();
    for path in [dir.path().join("none"), dir.path().to_owned(), "/dev/zero".into()] {
        assert!(matches!(check_kernel_file(&path, Arch::HOST), Err(KernelFileError::Read { .. })));
    }
}

#[test]
fn without_the_entry_the_option_is_named() {
    let said = said(&sample_vmlinux(MACHINE, false, None)).unwrap_err();
    assert!(said.contains("lacks CONFIG_PVH=y"), "{said}");
}

#[test]
fn a_kernel_of_another_machine_is_refused() {
    let (x86, arm) = (sample_vmlinux(MACHINE, true, None), sample_arm64_image(b"code"));
    assert_eq!(said_on(Arch::Aarch64, &arm), Ok(()));
    for (arch, content, found) in [(Arch::X86_64, &arm, "aarch64"), (Arch::Aarch64, &x86, "x86_64")]
    {
        let said = said_on(arch, content).unwrap_err();
        let words = [&format!("is for {found}"), arch.name(), "built for it"];
        assert!(words.iter().all(|word| said.contains(*word)) && !said.contains('\n'), "{said}");
    }
    let said = said_on(Arch::Aarch64, &sample_vmlinux(183, false, None)).unwrap_err();
    assert!(said.contains("ELF") && said.contains("(Image) is needed"), "{said}");
}
