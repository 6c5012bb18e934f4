//! The real framework, through `applevisor-sys`.
//!
//! Not through `applevisor`, its safe layer: that maps no memory but its own, reads the reason
//! of an exit as an enumeration (which a reason of a later system is not a member of), and
//! counts references to the machine where this backend has an owner.
//!
//! On aarch64 Linux with the feature `hvf-shim`, the same functions are those of a test double
//! over KVM.

#![expect(unsafe_code, reason = "calls Hypervisor.framework")]

use std::ptr;

#[cfg(target_os = "linux")]
extern crate hvf_shim as _;

use applevisor_sys as hv;

use super::{Binding, Clock, Cpu, GicPlace, RawExit, Refusal, Reg, SysReg};
use crate::hypervisor::hvf::Error;

mod host;

/// Hypervisor.framework.
#[derive(Clone, Copy, Debug, Default)]
pub struct Applevisor;

/// One vCPU of the framework.
pub struct AppleCpu {
    handle: hv::hv_vcpu_t,
    /// Where the framework tells why the vCPU stopped; as long as the vCPU exists.
    exit: *const hv::hv_vcpu_exit_t,
}

// SAFETY: it moves to its thread as part of a vCPU that is not attached yet, when there is none
// of these. All calls by another thread the framework refuses, and `exit` is only read after a
// successful run.
unsafe impl Send for AppleCpu {}

fn answer(code: hv::hv_return_t) -> Result<(), Refusal> {
    if code == 0 { Ok(()) } else { Err(Refusal(u32::from_ne_bytes(code.to_ne_bytes()))) }
}

/// An object of the framework's that is counted, released when dropped.
struct Owned(*mut std::ffi::c_void);

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: made by a `create` function, and not released yet.
        unsafe { hv::os_release(self.0) }
    }
}

impl Owned {
    fn new(object: *mut std::ffi::c_void) -> Result<Self, Refusal> {
        if object.is_null() { Err(Refusal::NO_RESOURCES) } else { Ok(Owned(object)) }
    }
}

impl Binding for Applevisor {
    type Cpu = AppleCpu;

    fn available(&self) -> Result<(), Error> {
        host::available()
    }

    fn max_ipa_bits(&self) -> Result<u32, Refusal> {
        let mut bits = 0;
        // SAFETY: writes one number.
        answer(unsafe { hv::hv_vm_config_get_max_ipa_size(&raw mut bits) })?;
        Ok(bits)
    }

    fn max_cpus(&self) -> Result<u32, Refusal> {
        let mut count = 0;
        // SAFETY: writes one number.
        answer(unsafe { hv::hv_vm_get_max_vcpu_count(&raw mut count) })?;
        Ok(count)
    }

    fn vm_create(&self, ipa_bits: u32) -> Result<(), Refusal> {
        // SAFETY: no arguments.
        let config = Owned::new(unsafe { hv::hv_vm_config_create() })?;
        // SAFETY: a configuration that lives.
        answer(unsafe { hv::hv_vm_config_set_ipa_size(config.0, ipa_bits) })?;
        // SAFETY: as above; the framework keeps nothing of it.
        answer(unsafe { hv::hv_vm_create(config.0) })
    }

    fn vm_destroy(&self) {
        // SAFETY: no arguments. Refused where vCPUs are left; nothing can be done about that.
        let _ = unsafe { hv::hv_vm_destroy() };
    }

    fn gic_create(&self, place: GicPlace) -> Result<(), Refusal> {
        // SAFETY: no arguments.
        let config = Owned::new(unsafe { hv::hv_gic_config_create() })?;
        // SAFETY: a configuration that lives, for this and the next two.
        answer(unsafe { hv::hv_gic_config_set_distributor_base(config.0, place.distributor) })?;
        // SAFETY: as above.
        answer(unsafe {
            hv::hv_gic_config_set_redistributor_base(config.0, place.redistributors)
        })?;
        // SAFETY: as above.
        answer(unsafe { hv::hv_gic_create(config.0) })
    }

    fn gic_spis(&self) -> Result<(u32, u32), Refusal> {
        let (mut first, mut count) = (0, 0);
        // SAFETY: writes two numbers.
        answer(unsafe { hv::hv_gic_get_spi_interrupt_range(&raw mut first, &raw mut count) })?;
        Ok((first, count))
    }

    fn gic_set_spi(&self, intid: u32, level: bool) -> Result<(), Refusal> {
        // SAFETY: plain numbers.
        answer(unsafe { hv::hv_gic_set_spi(intid, level) })
    }

    unsafe fn vm_map(&self, host: *mut u8, guest: u64, size: usize) -> Result<(), Refusal> {
        let all = hv::HV_MEMORY_READ | hv::HV_MEMORY_WRITE | hv::HV_MEMORY_EXEC;
        // SAFETY: the caller keeps the range mapped.
        answer(unsafe { hv::hv_vm_map(host.cast(), guest, size, all) })
    }

    fn cpu_create(&self) -> Result<AppleCpu, Refusal> {
        let (mut handle, mut exit) = (0, ptr::null());
        // SAFETY: writes a number and a pointer; no configuration means the ordinary one.
        answer(unsafe { hv::hv_vcpu_create(&raw mut handle, &raw mut exit, ptr::null_mut()) })?;
        Ok(AppleCpu { handle, exit })
    }

    fn cpu_exit(&self, handle: u64) -> Result<(), Refusal> {
        // SAFETY: a list of one.
        answer(unsafe { hv::hv_vcpus_exit(&raw const handle, 1) })
    }

    fn clock(&self) -> Clock {
        host::clock()
    }
}

impl Cpu for AppleCpu {
    fn handle(&self) -> u64 {
        self.handle
    }

    fn run(&mut self) -> Result<RawExit, Refusal> {
        // SAFETY: a number. That guest code cannot reach this process is the framework's work.
        answer(unsafe { hv::hv_vcpu_run(self.handle) })?;
        // SAFETY: valid while the vCPU exists. The reason is read as the number that it is in C.
        let (reason, exception) = unsafe {
            let exit = self.exit;
            let reason = (&raw const (*exit).reason).cast::<u32>().read_volatile();
            (reason, (&raw const (*exit).exception).read_volatile())
        };
        Ok(RawExit {
            reason,
            syndrome: exception.syndrome,
            virtual_address: exception.virtual_address,
            physical_address: exception.physical_address,
        })
    }

    fn reg(&self, reg: Reg) -> Result<u64, Refusal> {
        let mut value = 0;
        // SAFETY: writes one number.
        answer(unsafe { hv::hv_vcpu_get_reg(self.handle, general(reg)?, &raw mut value) })?;
        Ok(value)
    }

    fn set_reg(&mut self, reg: Reg, value: u64) -> Result<(), Refusal> {
        // SAFETY: plain numbers.
        answer(unsafe { hv::hv_vcpu_set_reg(self.handle, general(reg)?, value) })
    }

    fn sys_reg(&self, reg: SysReg) -> Result<u64, Refusal> {
        let mut value = 0;
        // SAFETY: writes one number.
        answer(unsafe { hv::hv_vcpu_get_sys_reg(self.handle, system(reg), &raw mut value) })?;
        Ok(value)
    }

    fn set_sys_reg(&mut self, reg: SysReg, value: u64) -> Result<(), Refusal> {
        // SAFETY: plain numbers.
        answer(unsafe { hv::hv_vcpu_set_sys_reg(self.handle, system(reg), value) })
    }

    fn set_vtimer_mask(&mut self, masked: bool) -> Result<(), Refusal> {
        // SAFETY: plain numbers.
        answer(unsafe { hv::hv_vcpu_set_vtimer_mask(self.handle, masked) })
    }

    fn set_vtimer_offset(&mut self, offset: u64) -> Result<(), Refusal> {
        // SAFETY: plain numbers.
        answer(unsafe { hv::hv_vcpu_set_vtimer_offset(self.handle, offset) })
    }

    fn pend_private(&mut self, interrupts: u32) -> Result<(), Refusal> {
        let pending = hv::hv_gic_redistributor_reg_t::ISPENDR0;
        // SAFETY: plain numbers.
        answer(unsafe { hv::hv_gic_set_redistributor_reg(self.handle, pending, interrupts.into()) })
    }
}

impl Drop for AppleCpu {
    fn drop(&mut self) {
        // SAFETY: the vCPU exists, and nobody uses `exit` after this.
        let _ = unsafe { hv::hv_vcpu_destroy(self.handle) };
    }
}

/// The framework's name for a general register.
fn general(reg: Reg) -> Result<hv::hv_reg_t, Refusal> {
    use hv::hv_reg_t::*;
    const X: [hv::hv_reg_t; 31] = [
        X0, X1, X2, X3, X4, X5, X6, X7, X8, X9, X10, X11, X12, X13, X14, X15, X16, X17, X18, X19,
        X20, X21, X22, X23, X24, X25, X26, X27, X28, X29, X30,
    ];
    match reg {
        Reg::X(number) => X.get(usize::from(number)).copied().ok_or(Refusal::BAD_ARGUMENT),
        Reg::Pc => Ok(PC),
        Reg::Cpsr => Ok(CPSR),
    }
}

/// The framework's name for a system register.
fn system(reg: SysReg) -> hv::hv_sys_reg_t {
    use hv::hv_sys_reg_t as name;
    match reg {
        SysReg::CntvCtlEl0 => name::CNTV_CTL_EL0,
        SysReg::CntvCvalEl0 => name::CNTV_CVAL_EL0,
        SysReg::ElrEl1 => name::ELR_EL1,
        SysReg::EsrEl1 => name::ESR_EL1,
        SysReg::FarEl1 => name::FAR_EL1,
        SysReg::IdAa64Dfr0El1 => name::ID_AA64DFR0_EL1,
        SysReg::IdAa64Mmfr0El1 => name::ID_AA64MMFR0_EL1,
        SysReg::IdAa64Pfr0El1 => name::ID_AA64PFR0_EL1,
        SysReg::IdAa64Pfr1El1 => name::ID_AA64PFR1_EL1,
        SysReg::IdAa64Smfr0El1 => name::ID_AA64SMFR0_EL1,
        SysReg::IdAa64Zfr0El1 => name::ID_AA64ZFR0_EL1,
        SysReg::MpidrEl1 => name::MPIDR_EL1,
        SysReg::SctlrEl1 => name::SCTLR_EL1,
        SysReg::SpsrEl1 => name::SPSR_EL1,
        SysReg::VbarEl1 => name::VBAR_EL1,
    }
}
