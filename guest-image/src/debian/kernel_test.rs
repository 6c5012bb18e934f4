#![allow(clippy::unwrap_used)]

use super::*;
use crate::fuzzing::{parse_cpio, sample_arm64_image, sample_bzimage, sample_zboot};

fn compress(program: &str, bytes: &[u8]) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("in");
    fs::write(&path, bytes).unwrap();
    Command::new(program).arg("-c").stdin(File::open(&path).unwrap()).output().unwrap().stdout
}

#[test]
fn a_kernel_comes_out_as_it_went_in() {
    let dir = tempfile::tempdir().unwrap();
    let kernel = [b"\x7fELF".as_slice(), &[9; 5000]].concat();
    let (from, to) = (dir.path().join("vmlinuz"), dir.path().join("vmlinux"));
    let packed = compress("gzip", &kernel);
    // gzip ends with the length, which is what the kernel's build appends for the others.
    let image = sample_bzimage(&packed[..packed.len() - 4], 5004);
    fs::write(&from, &image).unwrap();
    write_vmlinux(Arch::X86_64, &from, dir.path(), &to).unwrap();
    assert_eq!(fs::read(&to).unwrap(), kernel);

    fs::write(&from, sample_bzimage(&packed[..packed.len() - 4], 5003)).unwrap();
    assert!(write_vmlinux(Arch::X86_64, &from, dir.path(), &to).is_err());
    fs::write(&from, &image[..image.len() - 1]).unwrap();
    assert!(matches!(
        write_vmlinux(Arch::X86_64, &from, dir.path(), &to),
        Err(KernelError::BzImage(BzImageError::Truncated))
    ));
}

#[test]
fn an_arm64_kernel_comes_out_of_each_form() {
    let dir = tempfile::tempdir().unwrap();
    let kernel = sample_arm64_image(&[9; 5000]);
    let (from, to) = (dir.path().join("vmlinuz"), dir.path().join("vmlinux"));
    let packed = compress("gzip", &kernel);
    for form in [kernel.clone(), packed.clone(), sample_zboot("gzip", &packed)] {
        fs::write(&from, form).unwrap();
        write_vmlinux(Arch::Aarch64, &from, dir.path(), &to).unwrap();
        assert_eq!(fs::read(&to).unwrap(), kernel);
    }
    fs::write(&from, sample_zboot("gzip", &compress("gzip", b"no kernel at all"))).unwrap();
    assert!(matches!(
        write_vmlinux(Arch::Aarch64, &from, dir.path(), &to),
        Err(KernelError::Arm64Image(Arm64ImageError::NotImage))
    ));
}

#[test]
fn modules_are_unpacked_and_listed() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("k")).unwrap();
    fs::write(dir.path().join("k/a-b.ko.gz"), compress("gzip", b"first")).unwrap();
    fs::write(dir.path().join("k/c.ko"), b"second").unwrap();
    let bytes = archive(dir.path(), &["k/a-b.ko.gz".to_owned(), "k/c.ko".to_owned()]).unwrap();
    let entries = parse_cpio(&bytes).unwrap();
    let seen: Vec<_> = entries.iter().map(|e| (e.name.as_str(), e.content.as_slice())).collect();
    assert_eq!(
        seen,
        [
            ("modules", &b""[..]),
            ("modules/a-b.ko", b"first"),
            ("modules/c.ko", b"second"),
            ("modules/load", b"a-b.ko\nc.ko\n"),
        ]
    );
}

#[test]
fn what_unpacks_to_too_much_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("zeros.gz");
    fs::write(&path, compress("gzip", &vec![0; 1 << 20])).unwrap();
    assert!(matches!(unpack("gzip", &path, 1000), Err(KernelError::Unpack { .. })));
}
