//! Ending with the parent.
//!
//! A thread waits for two things, either of which is the parent's end: that its process exits, and
//! that the last writer of the life pipe closes it. There is no signal for either, as Linux has.
//! Each has a hole that the other closes: the number of a parent that was gone before it was
//! watched may be another process's by now, and a pipe may have been inherited by mistake.

#![expect(unsafe_code, reason = "a kqueue takes descriptors by number")]

use std::{
    mem::MaybeUninit,
    os::fd::{AsRawFd, OwnedFd},
    thread,
};

use rustix::{
    event::kqueue::{Event, EventFilter, EventFlags, ProcessEvents, kevent_timespec, kqueue},
    io::Errno,
    process::{Pid, Signal, getpid, getppid, kill_process},
};

use crate::{Error, Result, State};

/// Makes the calling process end when its parent does, and fails when it already did.
pub(super) fn bind(parent: Option<u32>, life: Option<OwnedFd>) -> Result<State> {
    let queue = kqueue().map_err(Error::step("watching the parent"))?;
    let mut watched = Vec::new();
    if let Some(expected) = parent {
        let pid = i32::try_from(expected).ok().and_then(Pid::from_raw).ok_or(Error::ParentGone)?;
        match add(&queue, EventFilter::Proc { pid, flags: ProcessEvents::EXIT }) {
            Ok(()) => watched.push("process"),
            Err(Errno::SRCH) => return Err(Error::ParentGone),
            // A sandbox may refuse it.
            Err(Errno::PERM | Errno::ACCESS) => {}
            Err(error) => return Err(Error::step("watching the parent")(error)),
        }
        // Still this one: so it is that which is watched.
        if getppid() != Some(pid) {
            return Err(Error::ParentGone);
        }
    }
    if let Some(life) = &life {
        add(&queue, EventFilter::Read(life.as_raw_fd()))
            .map_err(Error::step("watching the parent's pipe"))?;
        watched.push("pipe");
    }
    if watched.is_empty() {
        return Ok(State::missing("there is no parent to watch"));
    }
    let state =
        State::active(format!("killed when the session ends, seen by {}", watched.join(" and ")));
    thread::Builder::new()
        .name("parent".to_owned())
        .spawn(move || {
            // Open for as long as it is watched.
            let _life = life;
            wait(&queue);
            end();
        })
        .map_err(Error::io("watching the parent"))?;
    Ok(state)
}

/// Returns when one of the events came, or none can come any more.
fn wait(queue: &OwnedFd) {
    loop {
        let mut room = [MaybeUninit::<Event>::uninit(); 1];
        // SAFETY: no change is made, so no descriptor is named.
        match unsafe { kevent_timespec(queue, &[], &mut room[..], None) } {
            Ok(([], _)) => {}
            Err(Errno::INTR) => {}
            Ok(_) | Err(_) => return,
        }
    }
}

fn add(queue: &OwnedFd, filter: EventFilter) -> rustix::io::Result<()> {
    let change = Event::new(filter, EventFlags::ADD, std::ptr::null_mut());
    let mut none: [MaybeUninit<Event>; 0] = [];
    // SAFETY: the descriptor that the change names, if any, is open, and stays so while the queue
    // is waited for: the thread that does so owns it.
    unsafe { kevent_timespec(queue, &[change], &mut none[..], None) }.map(drop)
}

/// Ends the process as the parent-death signal of Linux does.
fn end() -> ! {
    let _ = kill_process(getpid(), Signal::KILL);
    // SAFETY: the call does not return and touches no memory.
    unsafe { libc::_exit(128 + libc::SIGKILL) }
}
