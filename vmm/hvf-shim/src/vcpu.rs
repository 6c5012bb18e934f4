//! vCPUs, each of the thread that made it.

use std::cell::RefCell;
use std::ffi::c_int;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

use applevisor_sys::{
    hv_error_t, hv_exit_reason_t, hv_reg_t, hv_return_t, hv_sys_reg_t, hv_vcpu_config_t,
    hv_vcpu_exit_exception_t, hv_vcpu_exit_t, hv_vcpu_t,
};
use kvm_bindings::{
    KVM_ARM_VCPU_PSCI_0_2, KVM_EXIT_ARM_NISV, KVM_EXIT_HYPERCALL, KVM_EXIT_MMIO,
    KVM_HYPERCALL_EXIT_SMC, kvm_vcpu_init,
};
use kvm_ioctls::VcpuFd;
use vmm_sys_util::signal::{SIGRTMIN, register_signal_handler, unblock_signal};

use crate::access::Access;
use crate::machine::{self, Target};
use crate::{Answer, code, failed, registers};

/// How many are in the guest.
static INSIDE: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static CPU: RefCell<Option<Cpu>> = const { RefCell::new(None) };
}

struct Cpu {
    handle: hv_vcpu_t,
    fd: VcpuFd,
    /// The caller reads it after each run.
    exit: Box<hv_vcpu_exit_t>,
    access: Option<Access>,
    /// Accesses so far.
    turn: u64,
}

extern "C" fn nothing(_: c_int, _: *mut libc::siginfo_t, _: *mut libc::c_void) {}

pub fn install_signal() -> Answer {
    register_signal_handler(SIGRTMIN(), nothing).map_err(failed("sigaction"))
}

/// Does something with a vCPU, if it is this thread's.
fn with<T>(handle: hv_vcpu_t, with: impl FnOnce(&mut Cpu) -> Answer<T>) -> Answer<T> {
    CPU.with_borrow_mut(|cpu| match cpu {
        Some(cpu) if cpu.handle == handle => with(cpu),
        _ => Err(hv_error_t::HV_BAD_ARGUMENT),
    })
}

fn create() -> Answer<Cpu> {
    unblock_signal(SIGRTMIN()).map_err(|_| hv_error_t::HV_ERROR)?;
    machine::with(|machine| {
        if machine.final_ || machine.controller.is_none() {
            return Err(hv_error_t::HV_BUSY);
        }
        let handle = machine.targets.len() as u64;
        let mut fd = machine.fd.create_vcpu(handle).map_err(failed("KVM_CREATE_VCPU"))?;
        let mut processor = kvm_vcpu_init::default();
        machine
            .fd
            .get_preferred_target(&mut processor)
            .map_err(failed("KVM_ARM_PREFERRED_TARGET"))?;
        processor.features[0] |= 1 << KVM_ARM_VCPU_PSCI_0_2;
        fd.vcpu_init(&processor).map_err(failed("KVM_ARM_VCPU_INIT"))?;
        let flag = &raw mut fd.get_kvm_run().immediate_exit;
        // SAFETY: no arguments.
        let thread = unsafe { libc::gettid() };
        machine.targets.push(Some(Target { flag, thread }));
        Ok(Cpu { handle, fd, exit: Box::new(exit_of(0, 0)), access: None, turn: 0 })
    })
}

fn exit_of(syndrome: u64, physical_address: u64) -> hv_vcpu_exit_t {
    let exception = hv_vcpu_exit_exception_t { syndrome, virtual_address: 0, physical_address };
    hv_vcpu_exit_t { reason: hv_exit_reason_t::EXCEPTION, exception }
}

impl Cpu {
    fn get(&self, register: u64) -> Answer<u64> {
        let mut value = [0; 8];
        self.fd.get_one_reg(register, &mut value).map_err(failed("KVM_GET_ONE_REG"))?;
        Ok(u64::from_le_bytes(value))
    }

    fn set(&self, register: u64, value: u64) -> Result<(), kvm_ioctls::Error> {
        self.fd.set_one_reg(register, &value.to_le_bytes()).map(|_| ())
    }

    fn run(&mut self) -> Answer {
        machine::with(machine::Machine::make_final)?;
        if let Some(value) = self.access.take().map(Access::finish).transpose()?.flatten() {
            // SAFETY: the last exit was for a load, so this is the union's live field.
            let data = unsafe { &mut self.fd.get_kvm_run().__bindgen_anon_1.mmio.data };
            for (to, from) in data.iter_mut().zip(value) {
                *to = from;
            }
        }
        INSIDE.fetch_add(1, Ordering::SeqCst);
        let left = self.fd.run().map(|_| ());
        INSIDE.fetch_sub(1, Ordering::SeqCst);
        match left {
            Ok(()) => self.translate(),
            Err(error) if matches!(error.errno(), libc::EINTR | libc::EAGAIN) => {
                let flag = &raw mut self.fd.get_kvm_run().immediate_exit;
                // SAFETY: a byte of the page, which the kernel reads as one.
                unsafe { AtomicU8::from_ptr(flag) }.store(0, Ordering::SeqCst);
                self.exit.reason = hv_exit_reason_t::CANCELED;
                Ok(())
            }
            Err(error) => Err(failed("KVM_RUN")(error)),
        }
    }

    /// KVM's exit as the framework has it.
    fn translate(&mut self) -> Answer {
        let run = self.fd.get_kvm_run();
        let exit = &run.__bindgen_anon_1;
        *self.exit = match run.exit_reason {
            KVM_EXIT_MMIO => {
                // SAFETY: the live field for this reason.
                let mmio = unsafe { exit.mmio };
                let write = (mmio.is_write != 0).then(|| u64::from_le_bytes(mmio.data));
                let pc = self.get(registers::PC)?;
                let (access, syndrome) = Access::new(self.turn, pc, mmio.len, write);
                self.turn += 1;
                self.access = Some(access);
                exit_of(syndrome, mmio.phys_addr)
            }
            KVM_EXIT_HYPERCALL => {
                // SAFETY: the live field for this reason.
                let flags = unsafe { exit.hypercall.__bindgen_anon_1.flags };
                if flags & u64::from(KVM_HYPERCALL_EXIT_SMC) == 0 {
                    exit_of(0x16 << 26 | 1 << 25, 0)
                } else {
                    // KVM is behind the instruction already; the framework is not.
                    let pc = self.get(registers::PC)?;
                    self.set(registers::PC, pc.wrapping_sub(4)).map_err(failed("PC"))?;
                    exit_of(0x17 << 26 | 1 << 25, 0)
                }
            }
            KVM_EXIT_ARM_NISV => {
                // SAFETY: the live field for this reason.
                let (iss, address) = unsafe { (exit.arm_nisv.esr_iss, exit.arm_nisv.fault_ipa) };
                exit_of(0x24 << 26 | iss & 0x3ff_ffff, address)
            }
            reason => {
                eprintln!("hvf-shim: KVM's exit {reason} is none of the framework's");
                hv_vcpu_exit_t { reason: hv_exit_reason_t::UNKNOWN, ..exit_of(0, 0) }
            }
        };
        Ok(())
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn hv_vcpu_create(
    vcpu: *mut hv_vcpu_t,
    exit: *mut *const hv_vcpu_exit_t,
    _config: hv_vcpu_config_t,
) -> hv_return_t {
    code(CPU.with_borrow_mut(|slot| {
        if slot.is_some() {
            return Err(hv_error_t::HV_BUSY);
        }
        let cpu = slot.insert(create()?);
        // SAFETY: the caller gives room for a number and a pointer.
        unsafe {
            vcpu.write(cpu.handle);
            exit.write(&raw const *cpu.exit);
        }
        Ok(())
    }))
}

#[unsafe(no_mangle)]
extern "C" fn hv_vcpu_destroy(vcpu: hv_vcpu_t) -> hv_return_t {
    code(with(vcpu, |_| Ok(())).and_then(|()| {
        if INSIDE.load(Ordering::SeqCst) > 0 {
            eprintln!("hvf-shim: a vCPU goes while another is in the guest");
            return Err(hv_error_t::HV_BUSY);
        }
        machine::with(|machine| {
            let index = usize::try_from(vcpu).map_err(|_| hv_error_t::HV_BAD_ARGUMENT)?;
            *machine.targets.get_mut(index).ok_or(hv_error_t::HV_BAD_ARGUMENT)? = None;
            Ok(())
        })?;
        CPU.take();
        Ok(())
    }))
}

#[unsafe(no_mangle)]
extern "C" fn hv_vcpu_run(vcpu: hv_vcpu_t) -> hv_return_t {
    code(with(vcpu, Cpu::run))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn hv_vcpus_exit(vcpus: *const hv_vcpu_t, count: u32) -> hv_return_t {
    code(machine::with(|machine| {
        for index in 0..count as usize {
            // SAFETY: the caller gives a list of that many.
            let handle = usize::try_from(unsafe { vcpus.add(index).read() });
            let target = handle.ok().and_then(|handle| machine.targets.get(handle));
            let Some(Some(target)) = target else {
                return Err(hv_error_t::HV_BAD_ARGUMENT);
            };
            // SAFETY: the page is there as long as the target is.
            unsafe { AtomicU8::from_ptr(target.flag) }.store(1, Ordering::SeqCst);
            // SAFETY: plain numbers; the thread lives as long as the target.
            unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), target.thread, SIGRTMIN()) };
        }
        Ok(())
    }))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn hv_vcpu_get_reg(
    vcpu: hv_vcpu_t,
    register: hv_reg_t,
    value: *mut u64,
) -> hv_return_t {
    code(with(vcpu, |cpu| {
        let found = match cpu.access.as_ref().and_then(|access| access.read(register)) {
            Some(found) => found,
            None => cpu.get(registers::general(register)?)?,
        };
        // SAFETY: the caller gives room for one number.
        unsafe { value.write(found) };
        Ok(())
    }))
}

#[unsafe(no_mangle)]
extern "C" fn hv_vcpu_set_reg(vcpu: hv_vcpu_t, register: hv_reg_t, value: u64) -> hv_return_t {
    code(with(vcpu, |cpu| {
        if cpu.access.as_mut().is_some_and(|access| access.write(register, value)) {
            return Ok(());
        }
        cpu.set(registers::general(register)?, value).map_err(failed("KVM_SET_ONE_REG"))
    }))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn hv_vcpu_get_sys_reg(
    vcpu: hv_vcpu_t,
    register: hv_sys_reg_t,
    value: *mut u64,
) -> hv_return_t {
    code(with(vcpu, |cpu| {
        let found = cpu.get(registers::system(register))?;
        // SAFETY: the caller gives room for one number.
        unsafe { value.write(found) };
        Ok(())
    }))
}

#[unsafe(no_mangle)]
extern "C" fn hv_vcpu_set_sys_reg(
    vcpu: hv_vcpu_t,
    register: hv_sys_reg_t,
    value: u64,
) -> hv_return_t {
    // Refused quietly: which features can be changed is the host's to say.
    code(with(vcpu, |cpu| {
        cpu.set(registers::system(register), value).map_err(|_| hv_error_t::HV_UNSUPPORTED)
    }))
}

/// The kernel's timer stops nobody.
#[unsafe(no_mangle)]
extern "C" fn hv_vcpu_set_vtimer_mask(vcpu: hv_vcpu_t, _masked: bool) -> hv_return_t {
    code(with(vcpu, |_| Ok(())))
}

#[unsafe(no_mangle)]
extern "C" fn hv_vcpu_set_vtimer_offset(vcpu: hv_vcpu_t, offset: u64) -> hv_return_t {
    code(with(vcpu, |_| machine::with(|machine| machine.set_counter_offset(offset))))
}
