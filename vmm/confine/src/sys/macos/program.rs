//! Starting a foreign program.

use std::{
    io,
    mem::MaybeUninit,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::process::{CommandExt, ExitStatusExt},
    },
    process::{Command, ExitStatus, Stdio},
};

use rustix::{
    event::kqueue::{
        Event, EventFilter, EventFlags, ProcessEvents, UserDefinedFlags, UserFlags,
        kevent_timespec, kqueue,
    },
    io::{Errno, FdFlags, fcntl_setfd, retry_on_intr},
    process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid},
};

use crate::{Error, Program, Result};

/// A program that was started by [`start_program`]. As a descriptor it is readable when the
/// program has ended. Dropping it does not end the program.
#[derive(Debug)]
pub struct Child {
    queue: OwnedFd,
    pid: Pid,
    ended: Option<ExitStatus>,
}

/// Starts a program, which is [`seatbelt::PROGRAM`](crate::seatbelt::PROGRAM) with a profile and
/// the program proper: this system confines what is started, not who starts. `gpu` and `denied` of
/// [`Program`] are that profile's affair.
///
/// The program ends when the calling process ends it ([`Child::kill`]), or by itself as its
/// socket's other end is gone: macOS has no death signal.
///
/// # Errors
/// [`Error::Execute`], or what the system says.
pub fn start_program(program: Program) -> Result<Child> {
    let Program { path, argv, env, output, .. } = program;
    let mut argv = argv.into_iter();
    let mut command = Command::new(&path);
    if let Some(name) = argv.next() {
        command.arg0(name);
    }
    let copy = output.try_clone().map_err(Error::io("passing on the program's output"))?;
    command.args(argv).env_clear().envs(env).stdin(Stdio::null()).stdout(output).stderr(copy);
    let child = command.spawn().map_err(|source| Error::Execute { path, source })?;
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or(Error::ParentGone)?;
    let queue = watch(pid).map_err(Error::step("watching the program"))?;
    Ok(Child { queue, pid, ended: None })
}

impl Child {
    /// Waits for the program's end.
    ///
    /// # Errors
    /// What the system says, which it does not do for a child.
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        if let Some(status) = self.ended {
            return Ok(status);
        }
        let status = retry_on_intr(|| waitid(WaitId::Pid(self.pid), WaitIdOptions::EXITED))?
            .ok_or_else(|| io::Error::other("the program has not ended"))?;
        let raw = status
            .exit_status()
            .map_or_else(|| status.terminating_signal().unwrap_or(0), |code| (code & 0xff) << 8);
        Ok(*self.ended.insert(ExitStatus::from_raw(raw)))
    }

    /// Kills the program. One that has ended is left alone.
    ///
    /// # Errors
    /// What the system says.
    pub fn kill(&self) -> io::Result<()> {
        // Its number is its own until it was waited for.
        if self.ended.is_some() {
            return Ok(());
        }
        match kill_process(self.pid, Signal::KILL) {
            Ok(()) | Err(Errno::SRCH) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }
}

impl AsFd for Child {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.queue.as_fd()
    }
}

/// A descriptor that is readable once the process has ended.
fn watch(pid: Pid) -> rustix::io::Result<OwnedFd> {
    let queue = kqueue()?;
    fcntl_setfd(&queue, FdFlags::CLOEXEC)?;
    match add(&queue, EventFilter::Proc { pid, flags: ProcessEvents::EXIT }) {
        // It has ended already: an event that nobody takes says so for ever.
        Err(Errno::SRCH) => {
            let user_flags = UserDefinedFlags::new(0);
            add(&queue, EventFilter::User { ident: 1, flags: UserFlags::NOINPUT, user_flags })?;
            add(&queue, EventFilter::User { ident: 1, flags: UserFlags::TRIGGER, user_flags })?;
        }
        other => other?,
    }
    Ok(queue)
}

#[expect(unsafe_code, reason = "a kqueue takes descriptors by number")]
fn add(queue: &OwnedFd, filter: EventFilter) -> rustix::io::Result<()> {
    let change = Event::new(filter, EventFlags::ADD, std::ptr::null_mut());
    let mut none: [MaybeUninit<Event>; 0] = [];
    // SAFETY: the change names a process or nothing, no descriptor.
    unsafe { kevent_timespec(queue, &[change], &mut none[..], None) }.map(drop)
}
