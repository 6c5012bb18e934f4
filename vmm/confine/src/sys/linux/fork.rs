//! Forking: helpers that act from outside, trials, and the first process of a namespace.

#![expect(unsafe_code, reason = "fork and _exit")]

use std::{io, os::fd::OwnedFd};

use rustix::{
    io::Errno,
    process::{
        DumpableBehavior, Pid, Signal, WaitOptions, WaitStatus, getpid, kill_process,
        set_dumpable_behavior, waitpid,
    },
};

use super::{caps, death, fds};
use crate::{Error, Result};

/// A child made by [`start`].
pub(super) struct Child(Pid);

/// Runs `work` in a child process, which ends with its result (0 to 255) as exit status.
/// There must be one thread.
pub(super) fn start(work: impl FnOnce() -> i32) -> io::Result<Child> {
    match fork()? {
        Some(pid) => Ok(Child(pid)),
        None => exit(work()),
    }
}

impl Child {
    /// Waits for the child's end: its exit status, or `None` when a signal ended it.
    pub(super) fn wait(self) -> io::Result<Option<i32>> {
        wait(self.0).map(|status| status.exit_status())
    }
}

/// Returns in a new child only. The calling process gives up its rights and descriptors, waits
/// for the child and ends as it did.
pub(super) fn stay_behind(life: Option<&OwnedFd>) -> Result<()> {
    let step = Error::io("starting the first process of the namespace");
    let Some(pid) = fork().map_err(step)? else {
        return Ok(());
    };
    let confined = death::bind(None, life)
        .and_then(|()| fds::close_others(&mut fds::number(life).into_iter().collect()))
        .and_then(|()| caps::lock_down(caps::NONE))
        .and_then(|bounding| caps::drop_to(caps::NONE, bounding))
        .and_then(|_| {
            set_dumpable_behavior(DumpableBehavior::NotDumpable)
                .map_err(Error::step("turning memory dumps off"))
        });
    if confined.is_err() {
        // The child is killed with this process.
        exit(1);
    }
    let status = wait(pid).map_err(Error::io("waiting for the first process of the namespace"))?;
    if let Some(signal) = status.terminating_signal().and_then(Signal::from_named_raw) {
        let _ = kill_process(getpid(), signal);
    }
    let signal = status.terminating_signal().unwrap_or(0);
    exit(status.exit_status().unwrap_or(128 + signal))
}

/// The child's id in the parent, `None` in the child.
pub(super) fn fork() -> io::Result<Option<Pid>> {
    // SAFETY: there is one thread, so the child has no lock held by a thread that is not
    // there any more.
    let pid = unsafe { libc::fork() };
    if pid < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(Pid::from_raw(pid))
}

/// Ends the process at once: destructors and exit handlers are the parent's.
pub(super) fn exit(status: i32) -> ! {
    // SAFETY: touches nothing of the process but its end.
    unsafe { libc::_exit(status) }
}

fn wait(pid: Pid) -> io::Result<WaitStatus> {
    loop {
        match waitpid(Some(pid), WaitOptions::empty()) {
            Ok(Some((_, status))) => return Ok(status),
            Ok(None) | Err(Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}
