//! The end-to-end cases. Those that look at Linux's processes, namespaces and users, or at `tcg` and
//! `kvm` themselves, are of Linux hosts.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on panics")]

#[cfg(target_os = "linux")]
mod bad_input;
mod command;
mod exec;
#[cfg(target_os = "linux")]
mod guest_failure;
#[cfg(target_os = "linux")]
mod isolation;
#[cfg(target_os = "linux")]
mod leftovers;
#[cfg(target_os = "linux")]
mod nested;
mod ordinary;
mod pipes;
#[cfg(target_os = "linux")]
mod strangers;
mod terminal;
mod told;
mod workspace;
