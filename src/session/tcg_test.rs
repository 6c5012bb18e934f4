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

#[test]
fn every_descriptor_is_used_and_nothing_opens_a_path() {
    let line = arguments(512 << 20, 2, None, "quiet", &descriptors()).join(" ");
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
fn counting_instructions_takes_one_thread_and_a_known_clock() {
    let line = arguments(512 << 20, 1, Some(1), "quiet", &descriptors()).join(" ");
    assert!(line.contains("thread=single") && line.contains("shift=1,sleep=off"), "{line}");
    assert!(kernel_line(false, Some(1)).contains(" tsc_early_khz=1000000 "));
}

#[cfg(target_arch = "x86_64")]
#[test]
fn the_counter_is_measured_to_a_plausible_frequency() {
    let khz = tsc_khz();
    assert!((500_000..10_000_000).contains(&khz), "{khz} kHz");
}
