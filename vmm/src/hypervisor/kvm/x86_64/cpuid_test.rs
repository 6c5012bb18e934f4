#![allow(clippy::unwrap_used)]

use super::*;

const AVX_XSAVE: u32 = 1 << 28 | 1 << 27 | 1 << 26;

fn host() -> CpuId {
    let entry = |function, index, eax, ebx, ecx, edx| kvm_cpuid_entry2 {
        function,
        index,
        eax,
        ebx,
        ecx,
        edx,
        ..Default::default()
    };
    CpuId::from_entries(&[
        entry(0, 0, 0xd, 0, 0, 0),
        entry(1, 0, 0x306a9, 0x0710_0800, AVX_XSAVE | VMX, 0x178b_fbff),
        entry(4, 0, 0x1c00_4121, 0, 0, 0),
        entry(4, 1, 0x1c03_c163, 0, 0, 0),
        entry(4, 2, 0, 0, 0, 0),
        entry(0xa, 0, 0x0730_0402, 0, 0, 0x603),
        entry(0xb, 0, 1, 2, 0x100, 7),
        entry(0xd, 0, 7, 0x340, 0x340, 0),
        entry(0x8000_0001, 0, 0, 0, 0x4003f3 | AMD_SVM, 0),
        entry(0x8000_0008, 0, 0x3030, 0, 0x4007, 0),
        entry(0x8000_000a, 0, 1, 8, 0, 0x1cff),
        entry(0x8000_001e, 0, 5, 0x105, 1, 0),
    ])
    .unwrap()
}

fn find(cpuid: &CpuId, function: u32, index: u32) -> kvm_cpuid_entry2 {
    *cpuid.as_slice().iter().find(|e| e.function == function && e.index == index).unwrap()
}

#[test]
fn features_pass_and_nested_virtualisation_does_not() {
    let cpuid = for_vcpu(&host(), 0, 1, true).unwrap();
    let one = find(&cpuid, 1, 0);
    assert_eq!(one.ecx & AVX_XSAVE, AVX_XSAVE);
    assert_eq!(one.ecx & VMX, 0);
    assert_ne!(one.ecx & HYPERVISOR, 0);
    assert_ne!(one.ecx & TSC_DEADLINE, 0);
    assert_eq!(one.edx & HTT, 0, "one CPU has no siblings");
    assert_eq!(find(&cpuid, 0xd, 0).ebx, 0x340);
    assert_eq!(find(&cpuid, 0x8000_0001, 0).ecx & AMD_SVM, 0);
    assert_eq!(find(&cpuid, 0xa, 0).eax, 0);
    assert_eq!(
        for_vcpu(&host(), 0, 1, false).map(|c| find(&c, 1, 0).ecx & TSC_DEADLINE).ok(),
        Some(0)
    );
}

#[test]
fn every_cpu_count_gets_distinct_apic_ids_within_its_bits() {
    for cpus in 1..=32u8 {
        for id in 0..cpus {
            let cpuid = for_vcpu(&host(), id, cpus, true).unwrap();
            let id32 = u32::from(id);
            assert_eq!(find(&cpuid, 1, 0).ebx >> 24, id32);
            let core = find(&cpuid, 0xb, 1);
            assert_eq!((core.ebx, core.edx), (u32::from(cpus), id32));
            assert!(id32 >> core.eax == 0, "id {id} needs more than {} bits", core.eax);
            assert_eq!(find(&cpuid, 0x8000_001e, 0).eax, id32);
            assert_eq!(find(&cpuid, 0x8000_0008, 0).ecx & 0xff, u32::from(cpus) - 1);
        }
    }
}

#[test]
fn only_the_last_cache_is_shared() {
    let cpuid = for_vcpu(&host(), 3, 4, true).unwrap();
    assert_eq!(find(&cpuid, 4, 0).eax >> 14 & 0xfff, 0);
    assert_eq!(find(&cpuid, 4, 1).eax >> 14 & 0xfff, 3);
    assert_eq!(find(&cpuid, 4, 0).eax >> 26, 3);
    assert_eq!(find(&cpuid, 4, 2).eax, 0);
}
