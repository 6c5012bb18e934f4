//! macOS.

use std::io;
use std::os::fd::OwnedFd;

use rustix::io::{FdFlags, fcntl_setfd};

/// A pipe that programs do not inherit, unless one is started by another thread right now: its
/// end to read from, and the one to write to.
pub fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (output, input) = rustix::pipe::pipe()?;
    fcntl_setfd(&output, FdFlags::CLOEXEC)?;
    fcntl_setfd(&input, FdFlags::CLOEXEC)?;
    Ok((output, input))
}

/// What installs packages, for most people.
pub fn install() -> &'static str {
    "brew install"
}
