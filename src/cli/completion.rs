//! `qvm completion SHELL`.

use clap::CommandFactory;
use clap_complete::{Shell, generate};

use super::args::Cli;
use crate::error::Error;

/// Prints the script.
pub fn main(shell: Shell) -> Result<u8, Error> {
    super::print(&script(shell)).map(|()| 0)
}

/// The script.
fn script(shell: Shell) -> String {
    let mut bytes = Vec::new();
    generate(shell, &mut Cli::command(), "qvm", &mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
#[path = "completion_test.rs"]
mod tests;
