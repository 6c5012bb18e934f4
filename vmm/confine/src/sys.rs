//! What each platform has to offer.

#[cfg(target_os = "linux")]
mod linux;

#[cfg(target_os = "linux")]
pub use linux::{Child, Confined, enter, probe, seal, start_program};
