//! Asking the operating system's hypervisor interface.

#[cfg(target_os = "linux")]
#[path = "sys/linux.rs"]
mod imp;

pub use imp::probe_kvm;
