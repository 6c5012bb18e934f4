//! Asking the operating system's hypervisor interface.

#[cfg(target_os = "linux")]
#[path = "sys/linux.rs"]
mod imp;
#[cfg(target_os = "macos")]
#[path = "sys/macos.rs"]
mod imp;

pub use imp::{find_qemu, probe_hvf, probe_kvm};
