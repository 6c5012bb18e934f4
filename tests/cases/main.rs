//! The end-to-end cases.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on panics")]

mod bad_input;
mod command;
mod exec;
mod guest_failure;
mod isolation;
mod leftovers;
mod nested;
mod ordinary;
mod pipes;
mod terminal;
mod told;
mod workspace;
