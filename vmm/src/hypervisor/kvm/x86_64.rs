//! x86-64: PIC, I/O APIC, local APICs and PIT in the kernel; the first state of a vCPU: CPUID,
//! MSRs, FPU, local APIC, registers; exits for I/O ports.

mod cpuid;
mod exit;
mod registers;

use kvm_bindings::{
    CpuId, KVM_CAP_PMU_CAPABILITY, KVM_MAX_CPUID_ENTRIES, KVM_PIT_SPEAKER_DUMMY,
    KVM_PMU_CAP_DISABLE, Msrs, kvm_enable_cap, kvm_fpu, kvm_msr_entry, kvm_pit_config, kvm_xcr,
    kvm_xcrs,
};
use kvm_ioctls::{Cap, Kvm, VcpuFd, VmFd};

use super::{failed, vm};
use crate::arch::VcpuInit;
use crate::arch::x86_64::{BootEntry, layout};
use crate::hypervisor::Error;
pub(super) use exit::{Access, exit};

/// What the host must be able to do, by the names of the KVM documentation.
pub(super) const REQUIRED: &[(&str, u32)] = &[
    ("KVM_CAP_EXT_CPUID", Cap::ExtCpuid as u32),
    ("KVM_CAP_IMMEDIATE_EXIT", Cap::ImmediateExit as u32),
    ("KVM_CAP_IOEVENTFD", Cap::Ioeventfd as u32),
    ("KVM_CAP_IRQCHIP", Cap::Irqchip as u32),
    ("KVM_CAP_IRQFD", Cap::Irqfd as u32),
    ("KVM_CAP_MP_STATE", Cap::MpState as u32),
    ("KVM_CAP_PIT2", Cap::Pit2 as u32),
    ("KVM_CAP_SET_TSS_ADDR", Cap::SetTssAddr as u32),
    ("KVM_CAP_USER_MEMORY", Cap::UserMemory as u32),
];

/// What a machine has before its memory.
pub(super) struct Board {
    cpuid: CpuId,
    tsc_deadline: bool,
}

impl Board {
    /// Creates a machine with its interrupt controllers and timer.
    pub(super) fn new(system: &Kvm, _cpus: u8) -> Result<(VmFd, Self), Error> {
        let cpuid = system
            .get_supported_cpuid(KVM_MAX_CPUID_ENTRIES)
            .map_err(failed("KVM_GET_SUPPORTED_CPUID"))?;
        let fd = vm::create(|| system.create_vm())?;
        // Three pages for real mode on Intel processors, away from memory and devices.
        fd.set_identity_map_address(layout::IDENTITY_MAP)
            .map_err(failed("KVM_SET_IDENTITY_MAP_ADDR"))?;
        fd.set_tss_address(layout::TSS).map_err(failed("KVM_SET_TSS_ADDR"))?;
        disable_pmu(&fd);
        fd.create_irq_chip().map_err(failed("KVM_CREATE_IRQCHIP"))?;
        let pit = kvm_pit_config { flags: KVM_PIT_SPEAKER_DUMMY, ..Default::default() };
        fd.create_pit2(pit).map_err(failed("KVM_CREATE_PIT2"))?;
        let tsc_deadline = fd.check_extension(Cap::TscDeadlineTimer);
        Ok((fd, Board { cpuid, tsc_deadline }))
    }

    /// Any processor reaches all memory that a machine may have.
    pub(super) fn check_memory(&self, _start: u64, _length: u64) -> Result<(), Error> {
        Ok(())
    }

    /// Creates a vCPU in its first state.
    pub(super) fn create_vcpu(
        &self,
        vm: &VmFd,
        init: &VcpuInit<BootEntry>,
    ) -> Result<VcpuFd, Error> {
        let fd = vm.create_vcpu(u64::from(init.id)).map_err(failed("KVM_CREATE_VCPU"))?;
        initialise(&fd, &self.cpuid, self.tsc_deadline, init)?;
        Ok(fd)
    }
}

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
fn disable_pmu(vm: &VmFd) {
    let mut cap = kvm_enable_cap { cap: KVM_CAP_PMU_CAPABILITY, ..Default::default() };
    cap.args[0] = u64::from(KVM_PMU_CAP_DISABLE);
    let _ = vm.enable_cap(&cap);
}

fn initialise(
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
