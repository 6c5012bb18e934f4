//! Linux.

use std::io;
use std::os::fd::OwnedFd;

use rustix::pipe::{PipeFlags, pipe_with};

/// A pipe that programs do not inherit: its end to read from, and the one to write to.
pub fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(pipe_with(PipeFlags::CLOEXEC)?)
}

/// What installs packages, as far as is known here.
pub fn install() -> &'static str {
    if rustix::process::geteuid().is_root() { "apt-get install" } else { "sudo apt-get install" }
}
