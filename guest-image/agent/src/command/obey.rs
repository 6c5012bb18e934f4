//! What the host wants of a running command: signals, a new size, and its end.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use agent_protocol::{ToCommand, read_frame};

use super::pty;
use crate::reap::Child;
use crate::sys::process::{Target, kill};
use crate::sys::socket::Socket;

/// How long a command whose host went away has between SIGHUP and SIGKILL.
const HANGUP_GRACE: Duration = Duration::from_secs(1);

/// Does what comes over `connection` until the host closes it. If the command still runs then,
/// nobody is left to see what it does: it is hung up on, and `kill_all` is called if it stays.
pub fn obey(
    connection: &Socket,
    child: &Child,
    terminal: Option<&Arc<OwnedFd>>,
    kill_all: impl FnOnce(),
) {
    while let Ok(message) = read_frame(connection) {
        match message {
            ToCommand::Resize(size) => {
                if let Some(terminal) = terminal {
                    // Fails once the terminal is gone, and then so is the command.
                    let _ = pty::resize(terminal, size);
                }
            }
            ToCommand::Signal(signal) => send(child, terminal, signal),
        }
    }
    if child.wait_timeout(Duration::ZERO).is_some() {
        return;
    }
    for signal in [libc::SIGHUP, libc::SIGCONT] {
        send(child, terminal, signal);
        child.signal(signal);
    }
    if child.wait_timeout(HANGUP_GRACE).is_none() {
        child.signal(libc::SIGKILL);
        kill_all();
    }
}

/// Signals the job in the foreground of the terminal, as its own keys would; or the command's
/// process group where there is neither.
fn send(child: &Child, terminal: Option<&Arc<OwnedFd>>, signal: i32) {
    match terminal.and_then(pty::foreground) {
        // Fails when the job has just ended.
        Some(group) => drop(kill(Target::Group(group), signal)),
        None => child.signal(signal),
    }
}
