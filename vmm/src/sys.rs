//! What the monitor asks of the host's kernel beyond files, one implementation for each system.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;

#[cfg(target_os = "linux")]
use linux as imp;
#[cfg(target_os = "macos")]
use macos as imp;

pub(crate) use imp::{
    Backing, PEER_CLOSED, copy_file, fill_random, host_memory, populate, vhost_user,
};

/// Bytes of a page of the host: 4, 16 or 64 KiB.
pub(crate) fn page_size() -> u64 {
    u64::try_from(rustix::param::page_size()).unwrap_or(4096)
}
