//! The `qvm` command.

mod accel;
mod cli;
mod doctor;
mod error;
mod policy;
mod spec;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
