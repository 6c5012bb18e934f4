#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn what_the_host_registered_is_used_if_it_is_open() {
    let text = |first: &str, program: &str, flags: &str| {
        format!("{first}\ninterpreter {program}\nflags: {flags}\noffset 0\nmagic 7f\n")
    };
    let good = text("enabled", "/usr/libexec/qemu-binfmt/qemu-aarch64-static", "POCF");
    assert!(runs(&good, Arch::Aarch64) && !runs(&good, Arch::X86_64));
    for other in [
        text("disabled", "/usr/bin/qemu-aarch64-static", "F"),
        text("enabled", "/usr/bin/qemu-aarch64-static", "OC"),
        text("enabled", "/usr/bin/python3", "F"),
        "enabled\n".to_owned(),
        String::new(),
    ] {
        assert!(!runs(&other, Arch::Aarch64), "{other}");
    }
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("status"), "enabled\n").unwrap();
    assert!(!registered(dir.path(), Arch::Aarch64));
    fs::write(dir.path().join("qemu-aarch64"), good).unwrap();
    assert!(registered(dir.path(), Arch::Aarch64));
    assert!(!registered(&dir.path().join("none"), Arch::Aarch64));
}

#[test]
fn a_registration_has_the_fields_that_the_kernel_parts() {
    for (arch, machine) in [(Arch::Aarch64, "\\xb7\\x00"), (Arch::X86_64, "\\x3e\\x00")] {
        let line = registration(arch, Path::new("/usr/bin/emulator"));
        let fields: Vec<&str> = line.split(':').collect();
        let [_, name, "M", "", magic, mask, "/usr/bin/emulator", "F"] = fields[..] else {
            panic!("{line}");
        };
        assert_eq!(name, format!("qvm-{arch}"));
        assert!(magic.starts_with("\\x7f\\x45\\x4c\\x46\\x02") && magic.ends_with(machine));
        assert_eq!(magic.len(), mask.len());
        // The kernel takes 256 bytes.
        assert!(line.len() < 256 && !line.contains('\n'), "{line}");
    }
}

#[test]
fn who_lacks_the_emulator_is_told_what_to_install() {
    let error = ForeignError::Emulator { arch: Arch::Aarch64, sudo: "sudo " }.to_string();
    for word in ["qemu-aarch64-static", "sudo apt-get install qemu-user-static", "import --arch"] {
        assert!(error.contains(word) && !error.contains('\n'), "{error}");
    }
}
