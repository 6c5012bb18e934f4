//! A refusal that says what was refused.

#![expect(unsafe_code, reason = "a signal handler")]

use std::{
    ffi::{c_int, c_void},
    io,
    sync::atomic::{AtomicUsize, Ordering},
};

use crate::{Error, Result, Role};

/// Which of [`Role::ALL`] this process is.
static ROLE: AtomicUsize = AtomicUsize::new(0);

/// The status with which a process ends after a refusal: as a shell shows `SIGSYS`.
const STATUS: c_int = 128 + libc::SIGSYS;

/// Where `siginfo_t` has `si_syscall`, in words: signal, error, code, padding, address (two).
const SYSCALL_WORD: usize = 6;

/// Installs a handler of `SIGSYS` that writes one line to standard error and ends the process.
pub(super) fn arm(role: Role) -> Result<()> {
    let index = Role::ALL.iter().position(|each| *each == role).unwrap_or(0);
    ROLE.store(index, Ordering::Relaxed);
    let handler: extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) = tell;
    // SAFETY: an all-zero sigaction is a valid one with an empty mask; the handler has the
    // signature that SA_SIGINFO asks for and calls only what a handler may.
    let result = unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        libc::sigaction(libc::SIGSYS, &raw const action, std::ptr::null_mut())
    };
    if result < 0 {
        return Err(Error::io("catching refused system calls")(io::Error::last_os_error()));
    }
    Ok(())
}

extern "C" fn tell(_signal: c_int, info: *mut libc::siginfo_t, _context: *mut c_void) {
    // SAFETY: the kernel passes a whole siginfo_t, which is 128 bytes, so the word is in it.
    let number = unsafe { info.cast::<c_int>().add(SYSCALL_WORD).read() };
    let role = Role::ALL.get(ROLE.load(Ordering::Relaxed)).map_or("", |role| role.name());
    let mut line = Line::default();
    line.add(b"the ");
    line.add(role.as_bytes());
    line.add(b" process was refused system call ");
    line.add_number(number.unsigned_abs());
    line.add(b"\n");
    // SAFETY: write and _exit may be called in a handler; the buffer outlives the call.
    unsafe {
        libc::write(2, line.bytes.as_ptr().cast(), line.len);
        libc::_exit(STATUS);
    }
}

/// A line put together without allocation, which a handler may not do.
struct Line {
    bytes: [u8; 96],
    len: usize,
}

impl Default for Line {
    fn default() -> Self {
        Self { bytes: [0; 96], len: 0 }
    }
}

impl Line {
    fn add(&mut self, text: &[u8]) {
        for byte in text {
            if let Some(place) = self.bytes.get_mut(self.len) {
                *place = *byte;
                self.len += 1;
            }
        }
    }

    fn add_number(&mut self, number: u32) {
        let mut place = 1_000_000_000;
        let mut begun = false;
        while place > 0 {
            let digit = number / place % 10;
            begun |= digit != 0 || place == 1;
            if begun {
                self.add(&[b'0' + u8::try_from(digit).unwrap_or(0)]);
            }
            place /= 10;
        }
    }
}
