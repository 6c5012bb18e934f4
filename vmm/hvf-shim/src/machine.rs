//! The process's machine.

use std::ffi::c_void;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use applevisor_sys::{hv_error_t, hv_return_t, hv_vm_config_t};
use kvm_bindings::{
    KVM_ARM_VM_SMCCC_CTRL, KVM_ARM_VM_SMCCC_FILTER, KVM_CAP_ARM_NISV_TO_USER,
    kvm_arm_counter_offset, kvm_device_attr, kvm_enable_cap, kvm_smccc_filter,
    kvm_smccc_filter_action_KVM_SMCCC_FILTER_FWD_TO_USER as FORWARD, kvm_userspace_memory_region,
};
use kvm_ioctls::{DeviceFd, Kvm, VmFd};
use vmm_sys_util::ioctl::ioctl_with_ref;
use vmm_sys_util::ioctl_iow_nr;

use crate::{Answer, code, config, failed, gic, vcpu};

ioctl_iow_nr!(KVM_ARM_SET_COUNTER_OFFSET, 0xae, 0xb5, kvm_arm_counter_offset);

/// First functions of the ranges of firmware calls that come out: standard secure services, of
/// which PSCI is one, and those of the hypervisor's vendor, with 32 and 64 bits.
const CALLS: [u32; 4] = [0x8400_0000, 0xc400_0000, 0x8600_0000, 0xc600_0000];
/// Functions in each.
const CALLS_EACH: u32 = 0x1_0000;

/// Bits of address where the host does not say.
const IPA_BITS: u32 = 40;

/// A vCPU, for who wants to stop it.
pub struct Target {
    /// `immediate_exit` of its page.
    pub flag: *mut u8,
    /// Its thread.
    pub thread: libc::pid_t,
}

// SAFETY: the page is shared with the kernel, accessed as an atomic, and under the lock of the
// machine, from which the target is taken before the page goes away.
unsafe impl Send for Target {}

pub struct Machine {
    pub fd: Arc<VmFd>,
    pub controller: Option<DeviceFd>,
    /// The controller is initialised: a vCPU has run.
    pub final_: bool,
    pub targets: Vec<Option<Target>>,
    offset: Option<u64>,
    slots: u32,
}

static MACHINE: Mutex<Option<Machine>> = Mutex::new(None);

pub fn lock() -> MutexGuard<'static, Option<Machine>> {
    MACHINE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Does something with the machine, if there is one.
pub fn with<T>(with: impl FnOnce(&mut Machine) -> Answer<T>) -> Answer<T> {
    lock().as_mut().ok_or(hv_error_t::HV_NO_DEVICE).and_then(with)
}

fn system() -> Answer<Kvm> {
    Kvm::new().map_err(failed("/dev/kvm"))
}

pub fn max_ipa_bits() -> Answer<u32> {
    let limit = u32::try_from(system()?.get_host_ipa_limit()).unwrap_or(0);
    Ok(if limit == 0 { IPA_BITS } else { limit })
}

/// Calls KVM again while another thread is in a call for its vCPU, which some calls refuse.
pub fn patiently(
    mut call: impl FnMut() -> Result<(), kvm_ioctls::Error>,
) -> Result<(), kvm_ioctls::Error> {
    loop {
        match call() {
            Err(error) if matches!(error.errno(), libc::EBUSY | libc::EINTR) => {
                std::thread::yield_now();
            }
            other => return other,
        }
    }
}

fn create(ipa_bits: u32) -> Answer<Machine> {
    vcpu::install_signal()?;
    let fd = system()?.create_vm_with_ipa_size(ipa_bits).map_err(failed("KVM_CREATE_VM"))?;
    let cap = kvm_enable_cap { cap: KVM_CAP_ARM_NISV_TO_USER, ..Default::default() };
    fd.enable_cap(&cap).map_err(failed("KVM_CAP_ARM_NISV_TO_USER"))?;
    for base in CALLS {
        #[expect(clippy::cast_possible_truncation, reason = "an action is a byte")]
        let filter = kvm_smccc_filter {
            base,
            nr_functions: CALLS_EACH,
            action: FORWARD as u8,
            ..Default::default()
        };
        let attribute = kvm_device_attr {
            group: KVM_ARM_VM_SMCCC_CTRL,
            attr: KVM_ARM_VM_SMCCC_FILTER.into(),
            addr: std::ptr::from_ref(&filter) as u64,
            flags: 0,
        };
        fd.set_device_attr(&attribute).map_err(failed("KVM_ARM_VM_SMCCC_FILTER"))?;
    }
    Ok(Machine {
        fd: Arc::new(fd),
        controller: None,
        final_: false,
        targets: Vec::new(),
        offset: None,
        slots: 0,
    })
}

impl Machine {
    /// The guest's counters are `offset` behind the host's; the same for all vCPUs.
    pub fn set_counter_offset(&mut self, offset: u64) -> Answer {
        match self.offset {
            Some(before) if before == offset => return Ok(()),
            Some(_) => return Err(hv_error_t::HV_UNSUPPORTED),
            None => {}
        }
        let argument = kvm_arm_counter_offset { counter_offset: offset, reserved: 0 };
        patiently(|| {
            // SAFETY: a call of this machine with the structure that belongs to it.
            match unsafe { ioctl_with_ref(&*self.fd, KVM_ARM_SET_COUNTER_OFFSET(), &argument) } {
                0 => Ok(()),
                _ => Err(kvm_ioctls::Error::last()),
            }
        })
        .map_err(failed("KVM_ARM_SET_COUNTER_OFFSET"))?;
        self.offset = Some(offset);
        Ok(())
    }

    /// A vCPU is about to run: the controller takes those that there are for all.
    pub fn make_final(&mut self) -> Answer {
        if !self.final_ {
            let controller = self.controller.as_ref().ok_or(hv_error_t::HV_NO_DEVICE)?;
            gic::initialise(controller)?;
            self.final_ = true;
        }
        Ok(())
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn hv_vm_create(object: hv_vm_config_t) -> hv_return_t {
    let mut machine = lock();
    if machine.is_some() {
        return code(Err(hv_error_t::HV_BUSY));
    }
    // SAFETY: a configuration of the caller's.
    let created = unsafe { config::read(object) }.and_then(|config| create(config.ipa_bits));
    code(created.map(|created| *machine = Some(created)))
}

#[unsafe(no_mangle)]
extern "C" fn hv_vm_destroy() -> hv_return_t {
    let mut machine = lock();
    code(match machine.as_ref() {
        None => Err(hv_error_t::HV_NO_DEVICE),
        Some(it) if it.targets.iter().any(Option::is_some) => Err(hv_error_t::HV_BUSY),
        Some(_) => {
            *machine = None;
            Ok(())
        }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn hv_vm_get_max_vcpu_count(count: *mut u32) -> hv_return_t {
    code(system().map(|system| {
        let most = u32::try_from(system.get_max_vcpus()).unwrap_or(u32::MAX);
        // SAFETY: the caller gives room for one number.
        unsafe { count.write(most) }
    }))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn hv_vm_map(
    address: *const c_void,
    ipa: u64,
    size: usize,
    _flags: u64,
) -> hv_return_t {
    // As strict as where pages are larger.
    const PAGE: u64 = 16 << 10;
    let (start, length) = (address as u64, size as u64);
    if [start, ipa, length].iter().any(|value| value % PAGE != 0) {
        return code(Err(hv_error_t::HV_BAD_ARGUMENT));
    }
    code(with(|machine| {
        let region = kvm_userspace_memory_region {
            slot: machine.slots,
            flags: 0,
            guest_phys_addr: ipa,
            memory_size: length,
            userspace_addr: start,
        };
        machine.slots += 1;
        // SAFETY: the caller keeps the range mapped.
        unsafe { machine.fd.set_user_memory_region(region) }
            .map_err(failed("KVM_SET_USER_MEMORY_REGION"))
    }))
}
