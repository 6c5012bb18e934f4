//! `qvm exec`: a further command in a machine that runs.

use std::{ffi::OsString, path::PathBuf, sync::mpsc};

use agent_protocol::CommandSpec;

use super::{
    attach::{self, Attached},
    error::Error,
    event::Event,
    guest::bytes,
    registry,
    running::status_of,
    signals, tty,
};

/// What to run.
#[derive(Debug, Clone)]
pub struct ExecRequest {
    /// Program and arguments; empty for a login shell.
    pub argv: Vec<OsString>,
    /// Variables beside the guest's own.
    pub env: Vec<(OsString, OsString)>,
    /// Working directory in the guest; the machine's workspace if not given.
    pub workdir: Option<PathBuf>,
    /// Run as root of the guest.
    pub guest_root: bool,
}

/// Runs a command in the machine `name`, joined to this process's streams; gives the status.
///
/// # Errors
/// If there is no such machine, or it does not answer.
pub fn exec(name: &str, request: ExecRequest) -> Result<u8, Error> {
    let terminal = tty::interactive().then(tty::size);
    let command = CommandSpec {
        argv: request.argv.iter().map(bytes).collect(),
        env: request.env.iter().map(|(name, value)| (bytes(name), bytes(value))).collect(),
        cwd: request.workdir.as_ref().map(bytes).unwrap_or_default(),
        terminal,
        as_root: request.guest_root,
        main: false,
    };
    let (events, inbox) = mpsc::channel();
    // Signals end this process as usual while it waits for the guest, which may never answer.
    let connections = registry::exec(name, command)?;
    let signal_events = events.clone();
    signals::watch(move |signal| {
        let _ = signal_events.send(Event::Signal(signal));
    })
    .map_err(|e| Error::System("watch signals", e))?;
    let _raw = terminal.map(|_| tty::RawTerminal::enter()).transpose().map_err(Error::Terminal)?;
    let mut handle = attach::attach(connections, move |attached| {
        let _ = events.send(Event::Attached(attached));
    })
    .map_err(|e| Error::System("start threads", e))?;
    for event in inbox {
        match event {
            Event::Signal(signal) if signals::resized(signal) => handle.resize(),
            Event::Signal(signal) => handle.signal(signal),
            Event::Attached(Attached::Ended(end)) => return status_of(end),
            _ => {}
        }
    }
    Err(Error::AgentLost("the session ended".into()))
}
