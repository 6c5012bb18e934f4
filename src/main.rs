//! The `qvm` command.

mod accel;
mod cli;
mod descriptors;
mod doctor;
mod error;
mod heap;
mod policy;
mod process;
mod serve;
mod session;
mod spec;
mod sys;

use std::process::ExitCode;

fn main() -> ExitCode {
    heap::share_one();
    // Before anything else: this may be one of qvm's own processes.
    if std::env::args_os().nth(1).is_some_and(|word| word == session::tty::GUARD) {
        return session::tty::guard_main();
    }
    process::dispatch().unwrap_or_else(cli::main)
}
