//! Running a foreign program once.
//!
//! ```text
//!  launcher (pid 1)                      child
//!     fork ───────────────────────────────▶ descriptors, signals
//!     hold /proc/CHILD ── "go" ───────────▶ landlock, once more and tighter
//!     ◀──── the listener ──────────────────── a filter that leaves execve to the listener
//!                                             the filter of the server
//!     admit, close the listener ◀───────────── execve
//!     ◀──── end of file ─────────────────────  (or why not, and the child ends)
//! ```

#![expect(unsafe_code, reason = "fork, exec and signal dispositions")]

use std::{
    ffi::{CString, OsStr},
    io::{self, IoSlice, IoSliceMut, Read, Write},
    mem::MaybeUninit,
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
        unix::{ffi::OsStrExt, net::UnixStream, process::ExitStatusExt},
    },
    process::ExitStatus,
};

use rustix::{
    event::{PollFd, PollFlags, poll},
    fs::Mode,
    io::retry_on_intr,
    net::{
        RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
        SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
    },
    process::{
        Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, pidfd_open, pidfd_send_signal, waitid,
    },
};

use super::{fds, fork, seccomp, tree_rules};
use crate::{Error, Program, Result};

/// A program that was started by [`start_program`]. As a descriptor it is readable when the
/// program has ended. Dropping it does not end the program; the end of the calling process does.
#[derive(Debug)]
pub struct Child {
    process: OwnedFd,
    /// Keeps the kernel's entry for the program's /proc folder, which the landlock rule is tied
    /// to.
    _own: Option<OwnedFd>,
    ended: Option<ExitStatus>,
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
        let id = || WaitId::PidFd(self.process.as_fd());
        let status = retry_on_intr(|| waitid(id(), WaitIdOptions::EXITED))?
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
        match pidfd_send_signal(&self.process, Signal::KILL) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }
}

impl AsFd for Child {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.process.as_fd()
    }
}

/// What `execve` takes.
struct Command {
    path: CString,
    argv: Vec<CString>,
    env: Vec<CString>,
}

impl Command {
    fn new(program: &Program) -> io::Result<Self> {
        let text = |part: &OsStr| CString::new(part.as_bytes()).map_err(io::Error::from);
        let pair = |(name, value): &(_, _)| {
            let mut both = std::ffi::OsString::from(name);
            both.push("=");
            both.push::<&std::ffi::OsString>(value);
            text(&both)
        };
        Ok(Self {
            path: text(program.path.as_os_str())?,
            argv: program.argv.iter().map(|each| text(each)).collect::<io::Result<_>>()?,
            env: program.env.iter().map(pair).collect::<io::Result<_>>()?,
        })
    }

    /// Returns when it failed.
    fn execute(&self) -> io::Error {
        let pointers = |texts: &[CString]| {
            let mut all: Vec<_> = texts.iter().map(|text| text.as_ptr()).collect();
            all.push(std::ptr::null());
            all
        };
        let (argv, env) = (pointers(&self.argv), pointers(&self.env));
        // SAFETY: both lists end with null and point to C strings that live across the call.
        unsafe { libc::execve(self.path.as_ptr(), argv.as_ptr(), env.as_ptr()) };
        io::Error::last_os_error()
    }
}

/// Starts `program`, the one child of the calling process, with the server's system call filter.
/// To be called once, after [`enter`](super::enter) with [`Root::Tree`](crate::Root::Tree) and
/// before [`seal`](super::seal), by a process with one thread.
///
/// The program has three descriptors, no other process that it could reach, landlock rules of
/// its own on top of the caller's, and may never execute anything again.
///
/// # Errors
/// [`Error`]: then nothing runs.
pub fn start_program(program: Program) -> Result<Child> {
    super::require_one_thread()?;
    let path = program.path.clone();
    let failed = |source| Error::Execute { path: path.clone(), source };
    let command = Command::new(&program).map_err(failed)?;
    let (ours, theirs) = UnixStream::pair().map_err(failed)?;
    let Some(pid) = fork::fork().map_err(failed)? else {
        drop(ours);
        let error = become_program(&program, &command, &theirs);
        let _ = (&theirs).write_all(chain(&error).as_bytes());
        fork::exit(127);
    };
    drop(theirs);
    drop(program);
    let process = pidfd_open(pid, PidfdFlags::empty()).map_err(|errno| failed(errno.into()))?;
    let mut child = Child { process, _own: None, ended: None };
    match see_through(&mut child, pid, ours) {
        Ok(()) => Ok(child),
        Err(error) => {
            let _ = child.kill();
            let _ = child.wait();
            Err(failed(error))
        }
    }
}

/// The launcher's part: from the fork to the execution.
fn see_through(child: &mut Child, pid: Pid, mut channel: UnixStream) -> io::Result<()> {
    child._own = tree_rules::hold_processes(pid)?;
    channel.write_all(b"g")?;
    let mut why = Vec::new();
    let mut admitted = false;
    if let Some(listener) = receive(&channel, &mut why)? {
        let mut polled =
            [PollFd::new(&listener, PollFlags::IN), PollFd::new(&child.process, PollFlags::IN)];
        retry_on_intr(|| poll(&mut polled, None))?;
        if polled[0].revents().contains(PollFlags::IN) {
            seccomp::once::admit(&listener, pid)?;
            admitted = true;
        }
        // Closed here, for ever.
    }
    channel.read_to_end(&mut why)?;
    match (admitted, why.is_empty()) {
        (true, true) => Ok(()),
        (false, true) => Err(io::Error::other("it ended before")),
        (_, false) => Err(io::Error::other(String::from_utf8_lossy(&why).into_owned())),
    }
}

/// The child's part. Returns when it failed.
fn become_program(program: &Program, command: &Command, channel: &UnixStream) -> Error {
    match prepare(program, channel) {
        Ok(()) => Error::io("executing")(command.execute()),
        Err(error) => error,
    }
}

fn prepare(program: &Program, mut channel: &UnixStream) -> Result<()> {
    let step = Error::io("setting up standard input and output");
    standard_streams(&program.output).map_err(step)?;
    fds::close_others(&mut vec![channel.as_raw_fd()])?;
    plain_signals().map_err(Error::io("resetting signals"))?;
    rustix::process::umask(Mode::from_raw_mode(0o077));
    let mut go = [0];
    channel.read_exact(&mut go).map_err(Error::io("waiting for the launcher"))?;
    tree_rules::restrict_program()?;
    let listener = seccomp::once::install().map_err(Error::io("asking to execute once"))?;
    send(channel, &listener).map_err(Error::io("handing over the listener"))?;
    drop(listener);
    seccomp::install_server(program.gpu, program.denied)
}

/// Standard input at its end, and `output` as both others.
fn standard_streams(output: &OwnedFd) -> io::Result<()> {
    let (nothing, _) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
    // Away from the numbers that are about to be replaced.
    let above = |fd: BorrowedFd<'_>| rustix::io::fcntl_dupfd_cloexec(fd, 3);
    let (nothing, output) = (above(nothing.as_fd())?, above(output.as_fd())?);
    rustix::stdio::dup2_stdin(nothing)?;
    rustix::stdio::dup2_stdout(&output)?;
    rustix::stdio::dup2_stderr(&output)?;
    Ok(())
}

/// Undoes what Rust's runtime does to signals, and what the caller blocked.
fn plain_signals() -> io::Result<()> {
    // SAFETY: an empty set is made before it is used, and neither call touches other memory.
    let result = unsafe {
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
        let mut none = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut())
    };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn send(channel: &UnixStream, listener: &OwnedFd) -> io::Result<()> {
    let descriptors = [listener.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    control.push(SendAncillaryMessage::ScmRights(&descriptors));
    sendmsg(channel, &[IoSlice::new(b"l")], &mut control, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// The listener, or else the first byte of why there is none, in `why`.
fn receive(channel: &UnixStream, why: &mut Vec<u8>) -> io::Result<Option<OwnedFd>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let received = retry_on_intr(|| {
        recvmsg(channel, &mut [IoSliceMut::new(&mut byte)], &mut control, RecvFlags::CMSG_CLOEXEC)
    })?;
    let listener = control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut fds) => fds.next(),
        _ => None,
    });
    if listener.is_none() {
        why.extend(&byte[..received.bytes]);
    }
    Ok(listener)
}

/// An error and its causes, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        said.push_str(": ");
        said.push_str(&cause.to_string());
        next = cause.source();
    }
    said
}
