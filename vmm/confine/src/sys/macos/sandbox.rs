//! The sandbox around the process.

#![expect(unsafe_code, reason = "there is no wrapper of the sandbox's functions")]

use std::{ffi::c_int, io};

use crate::{Error, Result, State, seatbelt};

unsafe extern "C" {
    /// Whether process `pid` is in a sandbox, with no operation: 1 for yes. In libSystem since
    /// Mac OS X 10.5, with a header of its own only in Apple's; browsers rely on it.
    fn sandbox_check(pid: libc::pid_t, operation: *const libc::c_char, filter: c_int, ...)
    -> c_int;
}

/// `SANDBOX_FILTER_NONE`.
const NO_FILTER: c_int = 0;

/// Whether the calling process is in a sandbox.
pub(crate) fn in_force() -> Option<State> {
    // SAFETY: a null operation is what asks about the process as a whole, and no argument follows
    // a filter of none.
    let inside = unsafe { sandbox_check(libc::getpid(), std::ptr::null(), NO_FILTER) };
    Some(if inside == 1 {
        State::active("files, network, programs and services but those listed are refused")
    } else {
        State::missing(format!("it was not started by {}", seatbelt::PROGRAM))
    })
}

/// No debugger may attach, not even one of the same user, and no tool may read the memory.
pub(super) fn refuse_debuggers() -> Result<()> {
    // SAFETY: the request takes no memory of ours.
    let result = unsafe { libc::ptrace(libc::PT_DENY_ATTACH, 0, std::ptr::null_mut(), 0) };
    if result != 0 {
        return Err(Error::io("refusing debuggers")(io::Error::last_os_error()));
    }
    Ok(())
}
