//! Runs commands: one thread each that starts the process, connects its streams, and reports.

pub mod ends;
pub mod events;
pub mod obey;
pub mod plan;
pub mod pty;
pub mod report;
pub mod run;
pub mod streams;

#[cfg(test)]
#[path = "command_test.rs"]
mod tests;

/// Stack of a thread, in bytes: the agent's threads copy bytes from heap buffers and call
/// nothing deep.
pub const STACK: usize = 128 << 10;
