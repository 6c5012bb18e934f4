//! What the monitor asks of the host's kernel beyond files, one implementation for each system.

#[cfg(target_os = "linux")]
#[path = "sys/linux.rs"]
mod imp;
#[cfg(target_os = "macos")]
#[path = "sys/macos.rs"]
mod imp;

pub(crate) use imp::fill_random;
