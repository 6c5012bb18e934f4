//! The end-to-end cases of images: kernels, roots that are not Debian's, flakes.
//!
//! Besides what the other cases need, they want the microVM kernel in the cache and Nix.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on panics")]

mod bad_input;
mod closure;
mod flake;
mod imports;
mod kernel;
mod nix;
mod systemd;
