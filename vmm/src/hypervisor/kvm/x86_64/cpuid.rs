//! What the guest's CPUID says: the host's features as KVM offers them, with our own topology.
//!
//! Everything KVM can virtualise passes through, AVX and XSAVE with it. Changed are the topology
//! (one package, one thread a core), what depends on this vCPU's number, and what a throwaway
//! machine has no use for and an attacker has: nested virtualisation and performance counters.

use kvm_bindings::{CpuId, KVM_CPUID_FLAG_SIGNIFCANT_INDEX, kvm_cpuid_entry2};

use crate::hypervisor::Error;

const VMX: u32 = 1 << 5;
const X2APIC: u32 = 1 << 21;
const TSC_DEADLINE: u32 = 1 << 24;
const HYPERVISOR: u32 = 1 << 31;
const HTT: u32 = 1 << 28;
const AMD_SVM: u32 = 1 << 2;
const AMD_CMP_LEGACY: u32 = 1 << 1;

/// CPUID of vCPU `id` of `cpus`.
pub(super) fn for_vcpu(
    supported: &CpuId,
    id: u8,
    cpus: u8,
    tsc_deadline: bool,
) -> Result<CpuId, Error> {
    let topology = Topology { id: u32::from(id), cpus: u32::from(cpus.max(1)) };
    let mut entries: Vec<kvm_cpuid_entry2> = supported
        .as_slice()
        .iter()
        .filter(|entry| !matches!(entry.function, 0xb | 0x1f | 0x8000_0026))
        .copied()
        .collect();
    for entry in &mut entries {
        change(entry, &topology, tsc_deadline);
    }
    let maximum = entries.iter().find(|entry| entry.function == 0).map_or(0, |entry| entry.eax);
    if maximum >= 0xb {
        entries.extend(topology.extended());
    }
    CpuId::from_entries(&entries).map_err(|_| Error::Stuck("too many CPUID entries".into()))
}

struct Topology {
    id: u32,
    cpus: u32,
}

impl Topology {
    /// Bits of an APIC id that number the cores.
    fn bits(&self) -> u32 {
        self.cpus.next_power_of_two().trailing_zeros()
    }

    /// Leaf 0xb: threads, cores, end.
    fn extended(&self) -> [kvm_cpuid_entry2; 3] {
        let level = |index: u32, eax: u32, ebx: u32, kind: u32| kvm_cpuid_entry2 {
            function: 0xb,
            index,
            flags: KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
            eax,
            ebx,
            ecx: kind << 8 | index,
            edx: self.id,
            ..Default::default()
        };
        [level(0, 0, 1, 1), level(1, self.bits(), self.cpus, 2), level(2, 0, 0, 0)]
    }

    /// `sharing - 1` of a cache that all cores share, as a mask of APIC id numbers.
    fn shared_by_all(&self) -> u32 {
        (1 << self.bits()) - 1
    }
}

fn change(entry: &mut kvm_cpuid_entry2, topology: &Topology, tsc_deadline: bool) {
    let last = topology.cpus - 1;
    match entry.function {
        1 => {
            // Initial APIC id, number of APIC ids in the package; the cache line size stays.
            entry.ebx = entry.ebx & 0xffff | topology.id << 24 | (1 << topology.bits()) << 16;
            entry.ecx = entry.ecx & !VMX | HYPERVISOR | X2APIC;
            if tsc_deadline {
                entry.ecx |= TSC_DEADLINE;
            }
            entry.edx = if last > 0 { entry.edx | HTT } else { entry.edx & !HTT };
        }
        // Caches: the last level is everybody's, the others each core's own.
        4 if entry.eax & 0x1f != 0 => {
            entry.eax = entry.eax & 0x3fff | topology.shared_by_all().min(63) << 26;
            entry.eax |= sharing(entry.eax, topology) << 14;
        }
        0x8000_001d if entry.eax & 0x1f != 0 => {
            entry.eax = entry.eax & 0x3fff | sharing(entry.eax, topology) << 14;
        }
        0xa | 0x8000_000a | 0x8000_0022 => {
            (entry.eax, entry.ebx, entry.ecx, entry.edx) = (0, 0, 0, 0);
        }
        0x8000_0001 => {
            entry.ecx &= !(AMD_SVM | AMD_CMP_LEGACY);
            if last > 0 {
                entry.ecx |= AMD_CMP_LEGACY;
            }
        }
        // Number of cores, and how many bits of the APIC id number them.
        0x8000_0008 => entry.ecx = last | topology.bits() << 12,
        0x8000_001e => {
            (entry.eax, entry.ebx, entry.ecx, entry.edx) = (topology.id, topology.id, 0, 0);
        }
        _ => {}
    }
}

fn sharing(eax: u32, topology: &Topology) -> u32 {
    let level = eax >> 5 & 7;
    if level >= 3 { topology.shared_by_all() } else { 0 }
}

#[cfg(test)]
#[path = "cpuid_test.rs"]
mod tests;
