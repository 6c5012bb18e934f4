//! What devices ask of the host's kernel beyond files, one implementation for each system.

#[cfg(target_os = "linux")]
#[path = "sys/linux.rs"]
mod imp;
#[cfg(not(target_os = "linux"))]
#[path = "sys/macos.rs"]
mod imp;

pub(crate) use imp::{
    ACKNOWLEDGED, RECEIVE, SEND, channel_pair, fill_random, keep_from_programs, make_room,
    memory_file, release, without_signals,
};
