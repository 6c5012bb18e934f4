//! Tests only: the functions of Hypervisor.framework over aarch64 KVM, so that the backend for
//! macOS runs, unchanged and linked to these, where there is no Mac.
//!
//! ```text
//!   qvm_vmm::hypervisor::hvf ── applevisor-sys ── hv_vcpu_run, … ── this crate ── KVM_RUN, …
//! ```
//!
//! What KVM does by itself, it is told to leave to the backend, as far as it lets itself be told:
//! firmware calls come out by its call filter (Linux 6.4), accesses to devices with a syndrome,
//! accesses that the processor does not describe with a syndrome that says so. As strict as the
//! framework: one machine, the interrupt controller before the first vCPU, all vCPUs before the
//! first run, a vCPU used by its own thread only, none destroyed while another is in the guest.
//!
//! KVM does not tell which register a device access is of; it completes the access itself. So
//! the shim chooses a register, a different one each time, and for the time of the access that
//! register is the access's value: a backend that reads or sets another one, forgets to, or
//! leaves the wrong program counter behind does not get past the first device.
//!
//! What this cannot show, and a Mac has to:
//!
//! - waiting (`WFI`) and system registers that trap: KVM answers both in the kernel;
//! - the timer as an exit (`HV_EXIT_REASON_VTIMER_ACTIVATED`), its mask, and interrupts made
//!   pending in a redistributor: the kernel delivers the timer;
//! - the real fields SRT, SSE and SF of a syndrome, and the guest-virtual address of an abort;
//! - SMCCC_VERSION and SMCCC_ARCH_FEATURES, which KVM's filter does not give away;
//! - instruction aborts outside memory, and all of the framework's own limits and errors:
//!   entitlements, `HV_DENIED`, 16 KiB granules, sizes and places that its controller accepts,
//!   features that it lets a guest see.

#![cfg(all(target_os = "linux", target_arch = "aarch64"))]
#![expect(unsafe_code, reason = "defines C functions, and calls KVM")]

mod access;
mod config;
mod gic;
mod machine;
mod registers;
mod vcpu;

use applevisor_sys::{hv_error_t, hv_return_t};

/// The answer of a function here.
type Answer<T = ()> = Result<T, hv_error_t>;

/// As C has it.
fn code(answer: Answer) -> hv_return_t {
    match answer {
        Ok(()) => 0,
        Err(error) => hv_return_t::from_ne_bytes((error as u32).to_ne_bytes()),
    }
}

/// Says what failed, which the framework's codes do not.
fn failed(call: &'static str) -> impl Fn(kvm_ioctls::Error) -> hv_error_t {
    move |error| {
        eprintln!("hvf-shim: {call}: {}", std::io::Error::from_raw_os_error(error.errno()));
        hv_error_t::HV_ERROR
    }
}
