//! What each platform has to offer.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod macos;

#[cfg(target_os = "linux")]
use linux as imp;
#[cfg(not(target_os = "linux"))]
use macos as imp;

pub(crate) use imp::seatbelt_in_force;
pub use imp::{Child, Confined, enter, probe, seal, start_program};
