//! What is inherited: descriptors and environment.

#![expect(unsafe_code, reason = "close_range and clearenv are not in rustix")]

use std::{
    io,
    os::fd::{AsRawFd, OwnedFd, RawFd},
};

use crate::{Error, Result};

/// The number of a descriptor, if there is one.
pub(super) fn number(fd: Option<&OwnedFd>) -> Option<RawFd> {
    fd.map(AsRawFd::as_raw_fd)
}

/// Closes every descriptor but 0, 1, 2 and `keep`, which is sorted on return and loses doubles.
pub(super) fn close_others(keep: &mut Vec<RawFd>) -> Result<()> {
    keep.retain(|fd| *fd > 2);
    keep.sort_unstable();
    keep.dedup();
    let mut first: u32 = 3;
    for fd in keep.iter().filter_map(|fd| u32::try_from(*fd).ok()) {
        if first < fd {
            close_range(first, fd - 1)?;
        }
        first = fd + 1;
    }
    close_range(first, u32::MAX)
}

fn close_range(first: u32, last: u32) -> Result<()> {
    // SAFETY: the caller is a process that was just executed; whatever it opened by itself
    // in this range it does not use again, and what it does use is excepted by `keep`.
    let result = unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) };
    if result < 0 {
        return Err(Error::io("closing inherited descriptors")(io::Error::last_os_error()));
    }
    Ok(())
}

/// Empties the environment: it may hold credentials, which the guest's peer must not have.
pub(super) fn clear_environment() {
    // SAFETY: there is one thread, so nobody reads the environment meanwhile.
    unsafe {
        libc::clearenv();
    }
}
