#![allow(clippy::unwrap_used)]

use super::*;

fn description(cpus: u8, devices: usize) -> Description {
    Description { cpus, virtio: (0..devices).map(|i| layout::virtio_slot(i).unwrap()).collect() }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
}

/// The table at guest address `at`, its checksum checked.
fn table(base: u64, bytes: &[u8], at: u64) -> &[u8] {
    let start = usize::try_from(at - base).unwrap();
    let length = u32_at(bytes, start + 4) as usize;
    let table = &bytes[start..start + length];
    assert_eq!(table.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte)), 0);
    table
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

#[test]
fn tables_are_reachable_and_their_checksums_are_right() {
    for (cpus, devices) in [(1, 0), (4, 3), (32, layout::VIRTIO_GSIS.len())] {
        let (base, bytes) = build(&description(cpus, devices)).unwrap();
        assert_eq!(&bytes[..8], b"RSD PTR ");
        assert_eq!(bytes[..20].iter().fold(0u8, |sum, b| sum.wrapping_add(*b)), 0);
        assert_eq!(bytes[..36].iter().fold(0u8, |sum, b| sum.wrapping_add(*b)), 0);
        let xsdt = table(base, &bytes, u64_at(&bytes, 24));
        assert_eq!(&xsdt[..4], b"XSDT");
        let fadt = table(base, &bytes, u64_at(xsdt, 36));
        assert_eq!(&fadt[..4], b"FACP");
        let madt = table(base, &bytes, u64_at(xsdt, 44));
        assert_eq!(&madt[..4], b"APIC");
        assert_eq!(madt.len(), 44 + 8 * usize::from(cpus) + 12);
        let dsdt = table(base, &bytes, u64_at(fadt, 140));
        assert_eq!(&dsdt[..4], b"DSDT");
        let count = dsdt.windows(8).filter(|window| *window == b"LNRO0005").count();
        assert_eq!(count, devices);
    }
}

#[test]
fn fadt_says_hardware_reduced_with_reset_and_sleep_ports() {
    let (base, bytes) = build(&description(1, 0)).unwrap();
    let xsdt = table(base, &bytes, u64_at(&bytes, 24));
    let fadt = table(base, &bytes, u64_at(xsdt, 36));
    let flags = u32_at(fadt, 112);
    assert_ne!(flags & 1 << 20, 0, "hardware reduced");
    assert_ne!(flags & 1 << 10, 0, "reset register");
    assert_eq!(u64_at(fadt, 116 + 4), u64::from(crate::legacy::power::RESET));
    assert_eq!(fadt[128], crate::legacy::power::RESET_VALUE);
    assert_eq!(u64_at(fadt, 244 + 4), u64::from(crate::legacy::power::SLEEP_CONTROL));
    assert_eq!(u64_at(fadt, 256 + 4), u64::from(crate::legacy::power::SLEEP_STATUS));
}

#[test]
fn dsdt_names_window_and_interrupt_of_each_device() {
    let description = description(1, 2);
    let mut bytes = Vec::new();
    dsdt::table(&description).unwrap().to_aml_bytes(&mut bytes);
    for (address, gsi) in &description.virtio {
        let window =
            [&[0x86, 9, 0, 1][..], &u32::try_from(*address).unwrap().to_le_bytes()].concat();
        assert!(contains(&bytes, &window));
        let interrupt = [&[0x89, 6, 0, 3, 1][..], &gsi.to_le_bytes()].concat();
        assert!(contains(&bytes, &interrupt));
    }
    assert!(contains(&bytes, b"_S5_"));
    assert!(contains(&bytes, b"QEMU0001"));
}

/// With acpica-tools at hand: `QVM_DUMP_DSDT=/some/file cargo test …`, then `iasl -d /some/file`.
#[test]
fn dsdt_can_be_looked_at() {
    let mut bytes = Vec::new();
    dsdt::table(&description(2, 5)).unwrap().to_aml_bytes(&mut bytes);
    if let Some(path) = std::env::var_os("QVM_DUMP_DSDT") {
        std::fs::write(path, &bytes).unwrap();
    }
    assert_eq!(u32_at(&bytes, 4) as usize, bytes.len());
}
