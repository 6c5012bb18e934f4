//! What is inherited: descriptors and environment.

#![expect(unsafe_code, reason = "descriptors are closed by number, and variables removed")]

use std::{io, os::fd::RawFd};

use crate::{Error, Result};

/// Closes every descriptor but 0, 1, 2 and `keep`, which is sorted on return and loses doubles.
///
/// Numbers are below the limit of open files, which is that of the parent still: some hundred in a
/// terminal; without one, what the system gives a process (getdtablesize(2)).
pub(super) fn close_others(keep: &mut Vec<RawFd>) -> Result<()> {
    keep.retain(|fd| *fd > 2);
    keep.sort_unstable();
    keep.dedup();
    // SAFETY: the call takes nothing and cannot fail.
    let limit = unsafe { libc::getdtablesize() };
    for fd in (3..limit).filter(|fd| keep.binary_search(fd).is_err()) {
        // SAFETY: the caller is a process that was just executed; whatever it opened by itself it
        // does not use again, and what it does use is excepted by `keep`.
        if unsafe { libc::close(fd) } != 0 {
            let error = io::Error::last_os_error();
            if !matches!(error.raw_os_error(), Some(libc::EBADF | libc::EINTR)) {
                return Err(Error::io("closing inherited descriptors")(error));
            }
        }
    }
    Ok(())
}

/// Empties the environment: it may hold credentials, which the guest's peer must not have.
pub(super) fn clear_environment() {
    let names: Vec<_> = std::env::vars_os().map(|(name, _)| name).collect();
    for name in names {
        // SAFETY: there is one thread, so nobody reads the environment meanwhile.
        unsafe { std::env::remove_var(name) };
    }
}
