//! Ending with the parent.
//!
//! Two ways, because each has a hole. The parent-death signal is sent when the *thread* that
//! made this process ends, is cleared by a change of user, and says nothing about a parent
//! that was gone before it was set. The pipe has no such hole but is a descriptor
//! that somebody could inherit by mistake.
//!
//! The pipe needs no thread that reads it: the kernel sends a signal of our choice at any
//! event on it (`F_SETSIG`), and the choice is `SIGKILL`. The one event there is, as nobody
//! ever writes, is that its last writer closed it.

#![expect(unsafe_code, reason = "F_SETSIG and F_SETOWN are not in rustix")]

use std::{
    io,
    os::fd::{AsRawFd, OwnedFd},
};

use rustix::{
    event::{PollFd, PollFlags, poll},
    process::{Signal, getpid, getppid, set_parent_process_death_signal},
    time::Timespec,
};

use crate::{Error, Result};

/// Chooses the signal that tells of an event; `fcntl(2)`. Not in the libc crate.
const F_SETSIG: i32 = 10;

/// Makes the calling process end when its parent does, and fails when it already did. The
/// pipe kills this process, and not one that it made.
pub(super) fn bind(parent: Option<u32>, life: Option<&OwnedFd>) -> Result<()> {
    signal()?;
    if let Some(expected) = parent {
        let now = getppid().map_or(0, |pid| pid.as_raw_nonzero().get());
        if u32::try_from(now) != Ok(expected) {
            return Err(Error::ParentGone);
        }
    }
    let Some(life) = life else { return Ok(()) };
    let arm = || {
        control(life, F_SETSIG, libc::SIGKILL)?;
        control(life, libc::F_SETOWN, getpid().as_raw_nonzero().get())?;
        let flags = control(life, libc::F_GETFL, 0)?;
        control(life, libc::F_SETFL, flags | libc::O_ASYNC | libc::O_NONBLOCK)
    };
    arm().map_err(Error::io("watching the parent's pipe"))?;
    // It may have closed before it was watched.
    alive(life)
}

/// The same for the first process of a process id namespace. It cannot be killed by
/// the pipe, as the kernel spares such a process whatever does not come from an ancestor. Its
/// parent, which stayed behind, is killed by the pipe; and its signal does come from an ancestor.
pub(super) fn bind_first(life: Option<&OwnedFd>) -> Result<()> {
    signal()?;
    life.map_or(Ok(()), alive)
}

fn signal() -> Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(Error::step("setting the parent-death signal"))
}

/// Fails when the other end of the pipe is closed.
fn alive(life: &OwnedFd) -> Result<()> {
    let mut polled = [PollFd::new(life, PollFlags::IN)];
    poll(&mut polled, Some(&Timespec::default()))
        .map_err(Error::step("looking at the parent's pipe"))?;
    if polled[0].revents().is_empty() { Ok(()) } else { Err(Error::ParentGone) }
}

fn control(fd: &OwnedFd, command: i32, value: i32) -> io::Result<i32> {
    // SAFETY: these commands take an integer and touch no memory of ours.
    let result = unsafe { libc::fcntl(fd.as_raw_fd(), command, value) };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(result)
}
