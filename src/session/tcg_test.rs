use super::*;

fn descriptors() -> Descriptors {
    Descriptors {
        kernel: 10,
        initrd: 11,
        disks: vec![12, 17],
        console: 13,
        vsock: 14,
        shares: vec![(15, "workspace".into()), (16, "share1".into())],
    }
}

fn line(arch: Arch, icount: Option<u8>, nested: bool) -> String {
    let machine = Machine { arch, memory: 512 << 20, cpus: 2, icount, nested };
    arguments(&machine, "quiet", &descriptors()).join(" ")
}

#[test]
fn every_descriptor_is_used_and_nothing_opens_a_path() {
    for arch in Arch::ALL {
        uses_all(&line(arch, None, false));
    }
}

fn uses_all(line: &str) {
    for part in [
        "/proc/self/fd/10",
        "/proc/self/fd/11",
        "fd=12,set=1",
        "fd=17,set=2",
        "drive=disk2",
        "id=console,fd=13",
        "id=vsock,fd=14",
        "id=share0,fd=15",
        "id=share1,fd=16",
        "tag=workspace",
        "tag=share1",
        "readonly=on",
        "-nodefaults",
        "-no-user-config",
        "-no-reboot",
        "share=on",
        "-m 512M",
        "-smp 2",
    ] {
        assert!(line.contains(part), "{part} is not in {line}");
    }
    for none in ["netdev", "-nic", "virtio-net", "path="] {
        assert!(!line.contains(none), "{none} is in {line}");
    }
}

#[test]
fn counting_instructions_takes_one_thread() {
    for arch in Arch::ALL {
        let line = line(arch, Some(1), false);
        assert!(line.contains("thread=single") && line.contains("shift=1,sleep=off"), "{line}");
    }
}

#[test]
fn each_machine_has_its_own_parts() {
    let x86 = line(Arch::X86_64, None, true);
    assert!(x86.contains("-machine microvm,") && x86.contains("-cpu max "), "{x86}");
    let arm = line(Arch::Aarch64, None, false);
    assert!(arm.contains("-machine virt,gic-version=3,") && arm.contains("pauth-impdef=on"));
    assert!(!arm.contains("virtualization=on"), "{arm}");
    assert!(line(Arch::Aarch64, None, true).contains(",virtualization=on,"));
}

#[test]
fn kernels_print_to_the_port_that_is_there() {
    assert!(kernel_line(Arch::X86_64, false, Some(1)).starts_with("console=ttyS0 "));
    let arm = kernel_line(Arch::Aarch64, true, None);
    assert!(arm.starts_with("console=ttyAMA0 ") && arm.ends_with(" loglevel=7"), "{arm}");
    for none in ["pci=", "reboot=", "tsc"] {
        assert!(!arm.contains(none), "{arm}");
    }
}
