//! Getting a vCPU out of `KVM_RUN` from another thread.
//!
//! The kicker first sets `immediate_exit` in the vCPU's shared page and then signals its thread.
//! A thread inside `KVM_RUN` is interrupted by the signal; one that is about to enter finds the
//! flag. The flag stays until the vCPU has returned `Interrupted`, so that no kick is lost.

#![expect(unsafe_code, reason = "writes the shared kvm_run page and sends a thread signal")]

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use vmm_sys_util::signal::{SIGRTMIN, register_signal_handler, unblock_signal};

use crate::hypervisor::{Error, Kicker};

/// Where a vCPU runs and how to reach it.
struct Target {
    /// `immediate_exit` of the vCPU's `kvm_run` page.
    flag: *mut u8,
    /// Kernel id of the thread that runs the vCPU, once there is one.
    thread: Option<libc::pid_t>,
}

// SAFETY: the pointer leads into a page shared with the kernel; it is accessed only as an atomic
// and only under the lock that `KickSlot::disarm` takes before the page goes away.
unsafe impl Send for Target {}

/// The vCPU's half: knows when the page and the thread exist.
#[derive(Clone)]
pub(super) struct KickSlot(Arc<Mutex<Option<Target>>>);

/// Interrupts one KVM vCPU.
#[derive(Clone)]
pub struct KvmKicker(KickSlot);

extern "C" fn nothing(_: libc::c_int, _: *mut libc::siginfo_t, _: *mut libc::c_void) {}

/// Installs the empty handler of the kick signal (the first real-time signal).
pub(super) fn install() -> Result<(), Error> {
    register_signal_handler(SIGRTMIN(), nothing).map_err(|error| Error::Call {
        call: "sigaction",
        source: std::io::Error::from_raw_os_error(error.errno()),
    })
}

impl KickSlot {
    /// For the vCPU whose `kvm_run.immediate_exit` is at `flag`; valid until [`Self::disarm`].
    pub(super) fn new(flag: *mut u8) -> Self {
        KickSlot(Arc::new(Mutex::new(Some(Target { flag, thread: None }))))
    }

    /// The calling thread is the one to be signalled.
    pub(super) fn bind(&self) -> Result<(), Error> {
        unblock_signal(SIGRTMIN()).map_err(|error| Error::Call {
            call: "unblocking the kick signal",
            source: std::io::Error::other(format!("{error:?}")),
        })?;
        if let Some(target) = self.lock().as_mut() {
            target.thread = Some(rustix::thread::gettid().as_raw_nonzero().get());
        }
        Ok(())
    }

    /// Withdraws the flag after a return from the guest that a kick may have caused.
    pub(super) fn clear(&self) {
        if let Some(target) = self.lock().as_ref() {
            target.flag().store(0, Ordering::SeqCst);
        }
    }

    /// The page is about to be unmapped; kicks do nothing from here on.
    pub(super) fn disarm(&self) {
        self.lock().take();
    }

    pub(super) fn kicker(&self) -> KvmKicker {
        KvmKicker(self.clone())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Target>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Target {
    fn flag(&self) -> &AtomicU8 {
        // SAFETY: the byte is mapped as long as the target is not disarmed, and the kernel reads
        // it as a single byte.
        unsafe { AtomicU8::from_ptr(self.flag) }
    }
}

impl Kicker for KvmKicker {
    fn kick(&self) {
        let slot = self.0.lock();
        let Some(target) = slot.as_ref() else { return };
        target.flag().store(1, Ordering::SeqCst);
        if let Some(thread) = target.thread {
            // SAFETY: plain system call without pointers. The lock is held, and a vCPU disarms
            // its slot on its own thread before that ends, so the id cannot be another thread's.
            unsafe {
                libc::syscall(libc::SYS_tgkill, libc::getpid(), thread, SIGRTMIN());
            }
        }
    }
}
