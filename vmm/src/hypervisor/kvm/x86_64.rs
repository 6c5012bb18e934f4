//! First state of an x86-64 vCPU: CPUID, MSRs, FPU, local APIC, registers.

mod cpuid;
mod registers;

use kvm_bindings::{
    CpuId, KVM_CAP_PMU_CAPABILITY, KVM_PMU_CAP_DISABLE, Msrs, kvm_enable_cap, kvm_fpu,
    kvm_msr_entry, kvm_xcr, kvm_xcrs,
};
use kvm_ioctls::{VcpuFd, VmFd};

use super::failed;
use crate::arch::{VcpuInit, x86_64::BootEntry};
use crate::hypervisor::Error;

/// `IA32_MISC_ENABLE` with fast string operations on.
const MSR_MISC_ENABLE: (u32, u64) = (0x1a0, 1);
/// `IA32_MTRR_DEF_TYPE`: MTRRs on, everything write-back.
const MSR_MTRR_DEF_TYPE: (u32, u64) = (0x2ff, 1 << 11 | 6);

/// Local APIC register offsets of the two local interrupt pins.
const APIC_LVT0: usize = 0x350;
const APIC_LVT1: usize = 0x360;
const MODE_NMI: libc::c_char = 0x4;
const MODE_EXTINT: libc::c_char = 0x7;

/// The guest gets no performance counters: less to attack, less to probe. Old kernels lack the
/// switch; CPUID hides the counters on Intel then.
pub(super) fn disable_pmu(vm: &VmFd) {
    let mut cap = kvm_enable_cap { cap: KVM_CAP_PMU_CAPABILITY, ..Default::default() };
    cap.args[0] = u64::from(KVM_PMU_CAP_DISABLE);
    let _ = vm.enable_cap(&cap);
}

pub(super) fn initialise(
    fd: &VcpuFd,
    supported: &CpuId,
    tsc_deadline: bool,
    init: &VcpuInit<BootEntry>,
) -> Result<(), Error> {
    let cpuid = cpuid::for_vcpu(supported, init.id, init.cpus, tsc_deadline)?;
    fd.set_cpuid2(&cpuid).map_err(failed("KVM_SET_CPUID2"))?;
    set_msrs(fd)?;
    let fpu = kvm_fpu { fcw: 0x37f, mxcsr: 0x1f80, ..Default::default() };
    fd.set_fpu(&fpu).map_err(failed("KVM_SET_FPU"))?;
    set_extended_states(fd, &cpuid)?;
    set_local_pins(fd)?;
    // The others wait for the first one's start-up interrupt.
    if let Some(entry) = &init.entry {
        registers::set(fd, entry)?;
    }
    Ok(())
}

fn set_msrs(fd: &VcpuFd) -> Result<(), Error> {
    let entries = [MSR_MISC_ENABLE, MSR_MTRR_DEF_TYPE].map(|(index, data)| kvm_msr_entry {
        index,
        data,
        ..Default::default()
    });
    let msrs = Msrs::from_entries(&entries)
        .map_err(|_| Error::Stuck("too many model-specific registers".into()))?;
    let set = fd.set_msrs(&msrs).map_err(failed("KVM_SET_MSRS"))?;
    match entries.get(set) {
        None => Ok(()),
        Some(refused) => Err(Error::Stuck(format!(
            "KVM refuses to set model-specific register {:#x}",
            refused.index
        ))),
    }
}

/// XCR0 starts with every state component that CPUID offers, as firmware may leave it; Linux
/// writes the same again. An emulated host that does not trap the guest's XSETBV (QEMU's TCG up
/// to 7.2 at least) then still swaps the right registers; with XCR0 at its reset value it loses
/// the guest's vector registers at every exit.
fn set_extended_states(fd: &VcpuFd, cpuid: &CpuId) -> Result<(), Error> {
    let leaf = cpuid.as_slice().iter().find(|leaf| leaf.function == 0xd && leaf.index == 0);
    let Some(leaf) = leaf.filter(|leaf| leaf.eax & 1 != 0) else {
        return Ok(());
    };
    let value = u64::from(leaf.edx) << 32 | u64::from(leaf.eax);
    let mut xcrs = kvm_xcrs { nr_xcrs: 1, ..Default::default() };
    xcrs.xcrs[0] = kvm_xcr { xcr: 0, value, ..Default::default() };
    fd.set_xcrs(&xcrs).map_err(failed("KVM_SET_XCRS"))
}

/// Pin 0 carries the legacy controller, pin 1 the NMI, as firmware leaves them.
fn set_local_pins(fd: &VcpuFd) -> Result<(), Error> {
    let mut lapic = fd.get_lapic().map_err(failed("KVM_GET_LAPIC"))?;
    for (offset, mode) in [(APIC_LVT0, MODE_EXTINT), (APIC_LVT1, MODE_NMI)] {
        // The delivery mode is in bits 8 to 10.
        let byte = &mut lapic.regs[offset + 1];
        *byte = *byte & !0x7 | mode;
    }
    fd.set_lapic(&lapic).map_err(failed("KVM_SET_LAPIC"))
}
