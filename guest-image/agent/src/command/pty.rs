//! A command's terminal.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use agent_protocol::TerminalSize;
use rustix::fs::{Gid, Mode, OFlags, Uid};
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{InputModes, OptionalActions, SpecialCodeIndex, Winsize};

/// Group `tty` of Debian, which may write to terminals. Where another group has the number, so
/// may that one, and nobody is in it.
const TTY_GROUP: u32 = 5;

/// Both sides of a new pseudo-terminal, the agent's and the command's.
#[derive(Debug)]
pub struct Pty {
    /// The agent's side; not blocking.
    pub controller: OwnedFd,
    /// The command's side.
    pub terminal: OwnedFd,
}

/// Makes a pseudo-terminal of `size` that belongs to the user `owner`.
///
/// # Errors
/// `ENOENT` without `/dev/ptmx`, `ENOSPC` when there are too many.
pub fn open(size: TerminalSize, owner: Option<u32>) -> io::Result<Pty> {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let controller = openpt(flags)?;
    unlockpt(&controller)?;
    // By descriptor, not by name: right in every mount namespace.
    let terminal = ioctl_tiocgptpeer(&controller, flags)?;
    resize(&controller, size)?;
    let mut modes = rustix::termios::tcgetattr(&terminal)?;
    modes.input_modes |= InputModes::IUTF8;
    rustix::termios::tcsetattr(&terminal, OptionalActions::Now, &modes)?;
    if let Some(owner) = owner {
        rustix::fs::fchown(&terminal, Some(Uid::from_raw(owner)), Some(Gid::from_raw(TTY_GROUP)))?;
        rustix::fs::fchmod(&terminal, Mode::from_raw_mode(0o620))?;
    }
    rustix::fs::fcntl_setfl(&controller, OFlags::NONBLOCK)?;
    Ok(Pty { controller, terminal })
}

/// Sets the size; the foreground process group gets SIGWINCH if it changed.
///
/// # Errors
/// `EIO` when the terminal is gone.
pub fn resize(controller: impl AsFd, size: TerminalSize) -> io::Result<()> {
    let size = Winsize { ws_row: size.rows, ws_col: size.columns, ws_xpixel: 0, ws_ypixel: 0 };
    Ok(rustix::termios::tcsetwinsize(controller, size)?)
}

/// The process group in the foreground, if there is one.
pub fn foreground(controller: impl AsFd) -> Option<i32> {
    rustix::termios::tcgetpgrp(controller).ok().map(|group| group.as_raw_nonzero().get())
}

/// The character that means end of input at present (usually Ctrl-D).
pub fn end_of_input(controller: impl AsFd) -> Option<u8> {
    rustix::termios::tcgetattr(controller)
        .ok()
        .map(|modes| modes.special_codes[SpecialCodeIndex::VEOF])
}
