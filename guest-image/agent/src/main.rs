//! PID 1 of the guest: makes a usable Linux system out of a read-only image, and runs the
//! commands qvm asks for over vsock.
//!
//! The data's way: [`boot`] loads drivers, mounts the root and applies the host's
//! [`agent_protocol::GuestConfig`]; [`control`] then turns each message of the host into a call
//! of [`command`], [`forward`] or [`end`]. Nothing here may panic: the kernel does not survive
//! the death of PID 1. `main` is the C one, because the Rust runtime aborts when it finds no
//! standard streams and no `/dev/null`, which is how an initramfs without a console begins.
//!
//! Guests run Linux and nothing else. Elsewhere the program only says so, and a check of the whole
//! workspace passes.
#![cfg_attr(all(target_os = "linux", not(test)), no_main)]
#![cfg_attr(test, allow(dead_code, reason = "the tests do not boot"))]

#[cfg(target_os = "linux")]
mod account;
#[cfg(target_os = "linux")]
mod boot;
#[cfg(target_os = "linux")]
mod clock;
#[cfg(target_os = "linux")]
mod command;
#[cfg(target_os = "linux")]
mod control;
#[cfg(target_os = "linux")]
mod end;
#[cfg(target_os = "linux")]
mod forward;
#[cfg(target_os = "linux")]
mod log;
#[cfg(target_os = "linux")]
mod reap;
#[cfg(target_os = "linux")]
mod relay;
#[cfg(target_os = "linux")]
mod sys;
#[cfg(target_os = "linux")]
mod tail;

/// Entry from the C runtime; the kernel starts it as `/init`.
#[cfg(all(target_os = "linux", not(test)))]
#[expect(unsafe_code, reason = "the C runtime finds its entry point by this name")]
// SAFETY: no other symbol of this name exists: the crate attribute `no_main` leaves it out.
#[unsafe(no_mangle)]
extern "C" fn main() -> core::ffi::c_int {
    // A kernel line that ends in `-- --boot-only` measures what comes before us.
    if std::env::args_os().nth(1).is_some_and(|word| word == "--boot-only") {
        end::power_off();
    }
    boot::run()
}

/// Says that this is the wrong place.
#[cfg(not(any(target_os = "linux", test)))]
fn main() {
    eprintln!("guest-agent runs in the guest, which is Linux");
    std::process::exit(1);
}
