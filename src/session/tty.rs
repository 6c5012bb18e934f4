//! The caller's terminal: raw while a command has it, restored however qvm ends.
//!
//! Raw mode is undone in three ways, each for the end it can reach:
//!
//! - [`RawTerminal`] restores when dropped: every orderly end, errors among them.
//! - A *guard*, a process of ours in a session of its own, holds the terminal and one end of a
//!   socket. When the socket closes without a word, qvm was killed, and the guard restores.
//!   It then compares first: a terminal that somebody else has set up meanwhile is left alone.
//! - If the guard is killed, the first way still stands.
//!
//! Modes are set at once (`TCSANOW`): waiting for output to leave (`TCSADRAIN`) waits for ever
//! where a terminal has stopped reading, and qvm, asked to end, would keep its machine.

use std::{
    io::{self, Read, Write},
    os::{fd::AsFd, unix::net::UnixStream},
    process::{Child, Command, ExitCode, Stdio},
};

use agent_protocol::TerminalSize;
use rustix::termios::{OptionalActions, Termios, isatty, tcgetattr, tcgetwinsize, tcsetattr};

use crate::sys::own_program;

/// Hidden sub-command that the guard runs under.
pub const GUARD: &str = "__tty-guard";

const READY: u8 = b'r';
const RELEASE: u8 = b'q';

/// True if standard input and output are terminals: a command then gets one too.
pub fn interactive() -> bool {
    isatty(io::stdin()) && isatty(io::stdout())
}

/// Size of the terminal on standard output, or 24×80 where it does not say.
pub fn size() -> TerminalSize {
    match tcgetwinsize(io::stdout()) {
        Ok(size) if size.ws_row > 0 && size.ws_col > 0 => {
            TerminalSize { rows: size.ws_row, columns: size.ws_col }
        }
        _ => TerminalSize { rows: 24, columns: 80 },
    }
}

/// Raw mode on standard input, for as long as this lives.
#[derive(Debug)]
pub struct RawTerminal {
    saved: Termios,
    guard: Option<(Child, UnixStream)>,
}

impl RawTerminal {
    /// Starts the guard, then sets raw mode.
    ///
    /// # Errors
    /// If standard input is no terminal, or the guard does not start.
    pub fn enter() -> io::Result<Self> {
        let saved = tcgetattr(io::stdin())?;
        let guard = start_guard()?;
        let raw = Self { saved, guard: Some(guard) };
        set(io::stdin(), &raw_of(&raw.saved))?;
        Ok(raw)
    }
}

impl Drop for RawTerminal {
    fn drop(&mut self) {
        // Flushing input would eat what the user typed ahead for the shell.
        let _ = set(io::stdin(), &self.saved);
        if let Some((mut child, mut line)) = self.guard.take() {
            let _ = line.write_all(&[RELEASE]);
            drop(line);
            let _ = child.wait();
        }
    }
}

fn set(terminal: impl AsFd, modes: &Termios) -> io::Result<()> {
    Ok(tcsetattr(terminal, OptionalActions::Now, modes)?)
}

fn raw_of(saved: &Termios) -> Termios {
    let mut raw = saved.clone();
    raw.make_raw();
    raw
}

fn start_guard() -> io::Result<(Child, UnixStream)> {
    let (mut ours, theirs) = UnixStream::pair()?;
    let terminal = io::stdin().as_fd().try_clone_to_owned()?;
    let child = Command::new(own_program()?)
        .arg(GUARD)
        .env_clear()
        .stdin(terminal)
        .stdout(Stdio::from(std::os::fd::OwnedFd::from(theirs)))
        .stderr(Stdio::null())
        .spawn()?;
    let mut ready = [0u8];
    ours.read_exact(&mut ready)?;
    Ok((child, ours))
}

/// The guard: standard input is the terminal, standard output the socket to qvm.
pub fn guard_main() -> ExitCode {
    match guard() {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn guard() -> io::Result<()> {
    // Its own session: signals to qvm's process group do not reach it, and changing the mode of
    // a terminal that does not control it never stops it (tty_ioctl(4)).
    rustix::process::setsid()?;
    let saved = tcgetattr(io::stdin())?;
    let mut line = UnixStream::from(io::stdout().as_fd().try_clone_to_owned()?);
    line.write_all(&[READY])?;
    let mut word = [0u8];
    if matches!(line.read(&mut word), Ok(1)) {
        return Ok(());
    }
    let now = tcgetattr(io::stdin())?;
    if same_modes(&now, &raw_of(&saved)) {
        set(io::stdin(), &saved)?;
    }
    Ok(())
}

fn same_modes(a: &Termios, b: &Termios) -> bool {
    a.input_modes == b.input_modes
        && a.output_modes == b.output_modes
        && a.local_modes == b.local_modes
}

#[cfg(all(test, target_os = "linux"))]
#[path = "tty_test.rs"]
mod tests;
