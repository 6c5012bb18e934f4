//! What systems do in different ways.

#[cfg(target_os = "linux")]
#[path = "sys/linux.rs"]
mod imp;
#[cfg(target_os = "macos")]
#[path = "sys/macos.rs"]
mod imp;

pub use imp::{install, pipe};
