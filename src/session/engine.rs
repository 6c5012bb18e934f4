//! What runs the virtual CPUs, and what serves the guest's devices.
//!
//! | engine | on | shares and vsock |
//! |---|---|---|
//! | `kvm`: our monitor | Linux | processes of their own, over vhost-user |
//! | `tcg`: QEMU | Linux | the same |
//! | `hvf`: our monitor | macOS | the monitor's threads |

#[cfg(target_os = "linux")]
#[path = "engine/linux.rs"]
mod imp;
#[cfg(target_os = "macos")]
#[path = "engine/macos.rs"]
mod imp;

use std::{
    fs::File,
    os::{fd::OwnedFd, unix::net::UnixStream},
};

use crate::{process::Process, spec::Spec};

pub use imp::kernel_line;
pub(super) use imp::start;

/// What every engine is given.
pub(super) struct Base<'a> {
    pub spec: &'a Spec,
    pub kernel: File,
    pub initrd: Vec<File>,
    /// The root's image, then those above it.
    pub disks: Vec<File>,
    pub console: UnixStream,
    /// Ports of vsock, with one end of the channel of each.
    pub ports: Vec<(u32, OwnedFd)>,
}

/// An engine that was started.
pub(super) struct Started {
    /// All processes, the engine's own the last.
    pub processes: Vec<Process>,
    /// Where the engine tells.
    pub first_entry: Option<super::vmm::FirstEntry>,
}
