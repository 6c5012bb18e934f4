//! The command line: reading it, doing it, and saying how it went.

mod agents;
mod args;
mod base;
mod completion;
mod explain;
mod help;
mod image;
mod kernel;
mod machines;
mod models;
mod parse;
mod report;
mod run;
pub mod serve;

use std::{
    env,
    io::{self, Write},
    process::ExitCode,
    time::Instant,
};

use crate::{doctor, error, error::Error, policy::host::Host};
use args::Command;
use parse::Parsed;

/// Runs qvm and tells its exit status. Errors are printed here and nowhere else.
pub fn main() -> ExitCode {
    let start = Instant::now();
    crate::sys::enough_files();
    let done = dispatch(start);
    crate::sys::settle();
    match done {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            say(&error.text());
            ExitCode::from(error::STATUS)
        }
    }
}

fn dispatch(start: Instant) -> Result<u8, Error> {
    let cli = match parse::parse(env::args_os())? {
        Parsed::Run(cli) => cli,
        Parsed::Print(text) => return print(&text).map(|()| 0),
    };
    match cli.command {
        None => run::run(cli.run, start),
        Some(Command::Run(args)) => run::run(*args, start),
        Some(Command::Doctor(args)) if args.report => {
            doctor::report(&host()?, args.try_model, args.json)
        }
        Some(Command::Doctor(args)) => doctor::main(&host()?, args.try_model, args.json),
        Some(Command::Serve(args)) => serve::main(*args, &host()?),
        Some(Command::Models(models)) => models::main(models.action, &host()?),
        Some(Command::Image(image)) => image::main(image.action),
        Some(Command::Agents(args)) => agents::main(args.json),
        Some(Command::Ps(args)) => machines::list(args.json),
        Some(Command::Exec(args)) => machines::exec(args, &host()?),
        Some(Command::Completion(args)) => completion::main(args.shell),
    }
}

/// What there is to know of this host.
fn host() -> Result<Host, Error> {
    Ok(Host::gather().map_err(crate::policy::PolicyError::from)?)
}

/// Writes to standard output. A reader that went away, as `head` does, is no failure.
pub fn print(text: &str) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => Err(Error::Output(e)),
        _ => Ok(()),
    }
}

/// As indented JSON with a newline at the end.
pub fn json(value: &impl serde::Serialize) -> String {
    // Plain structures of strings and numbers always have a JSON form.
    serde_json::to_string_pretty(value).unwrap_or_default() + "\n"
}

/// Says one line on standard error. Nobody can be told if that fails.
fn say(text: &str) {
    error_text(&format!("qvm: {text}\n"));
}

/// Writes to standard error in one piece.
fn error_text(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}
