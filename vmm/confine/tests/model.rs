//! A foreign server in its sandbox that tries to get out, for real. The means are Linux's, and so
//! are the attempts: see `model/linux.rs`.

#![allow(
    unsafe_code,
    missing_docs,
    clippy::unwrap_used,
    clippy::undocumented_unsafe_blocks,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap
)]

#[cfg(target_os = "linux")]
#[path = "model/linux.rs"]
mod linux;

#[cfg(target_os = "linux")]
use linux::*;

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("skipped: these are attempts at the confinement of Linux");
}
