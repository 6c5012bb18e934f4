//! What devices ask of the host's kernel beyond files, one implementation for each system.

#[cfg(target_os = "linux")]
#[path = "sys/linux.rs"]
mod imp;

pub(crate) use imp::{fill_random, memory_file, page_size, punch_hole};
