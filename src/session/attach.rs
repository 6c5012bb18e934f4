//! A running command joined to this process's standard streams.
//!
//! Threads move bytes; the owner gets [`Attached`] events and decides. The same code serves the
//! session's own command and `qvm exec`, which got the connections from the session.

use std::{
    fs::File,
    io::{self, Read, Write},
    net::Shutdown,
    os::{fd::AsFd, unix::net::UnixStream},
    thread::{self, JoinHandle},
};

use agent_protocol::{FromCommand, SpawnFailure, ToCommand, read_frame, write_frame};
use rustix::{
    event::{PollFd, PollFlags, poll},
    net::SendFlags,
};

use super::{signals, tty};

/// The connections of one command.
#[derive(Debug)]
pub struct Connections {
    /// Messages.
    pub command: UnixStream,
    /// Bytes.
    pub streams: Streams,
}

/// The byte streams of one command.
#[derive(Debug)]
pub enum Streams {
    /// One stream both ways.
    Terminal(UnixStream),
    /// Three one-way streams.
    Pipes {
        /// Host to guest.
        stdin: UnixStream,
        /// Guest to host.
        stdout: UnixStream,
        /// Guest to host.
        stderr: UnixStream,
    },
}

/// What happens to an attached command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attached {
    /// It runs; guest `CLOCK_MONOTONIC` in nanoseconds.
    Started(u64),
    /// It is over, and all its output has been written.
    Ended(End),
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Exit status.
    Exited(u8),
    /// Number of the signal.
    Signaled(i32),
    /// It did not start; `errno` in the guest.
    Failed(SpawnFailure, i32),
    /// The connection broke first.
    Lost,
}

/// Says things to an attached command, without ever waiting for the guest to listen.
#[derive(Debug)]
pub struct Handle {
    line: UnixStream,
    /// Half a message is on its way; whatever follows would be taken for the rest.
    broken: bool,
}

impl Handle {
    fn new(line: UnixStream) -> Self {
        Self { line, broken: false }
    }

    /// Sends a signal to the command. A command that is gone or does not listen gets nothing.
    pub fn signal(&mut self, signal: i32) {
        self.say(&ToCommand::Signal(signals::in_guest(signal)));
    }

    /// Tells the command's terminal the size of ours.
    pub fn resize(&mut self) {
        self.say(&ToCommand::Resize(tty::size()));
    }

    /// The loop that calls this also looks at the time and at signals, so a guest that does not
    /// read its connection must not hold it up: what does not fit is left out.
    fn say(&mut self, message: &ToCommand) {
        let mut bytes = Vec::new();
        if self.broken || write_frame(&mut bytes, message).is_err() {
            return;
        }
        let flags = SendFlags::DONTWAIT | crate::sys::SEND;
        if let Ok(sent) = rustix::net::send(&self.line, &bytes, flags) {
            self.broken = sent < bytes.len();
        }
    }
}

/// Joins `connections` to this process's standard streams and reports to `tell`.
///
/// # Errors
/// If a thread or a duplicate descriptor cannot be had.
pub fn attach(
    connections: Connections,
    tell: impl Fn(Attached) + Send + 'static,
) -> io::Result<Handle> {
    let Connections { command, streams } = connections;
    let handle = Handle::new(command.try_clone()?);
    let outputs = match streams {
        Streams::Terminal(stream) => {
            input(stream.try_clone()?)?;
            vec![output(stream, stdio(&io::stdout())?)?]
        }
        Streams::Pipes { stdin, stdout, stderr } => {
            input(stdin)?;
            vec![output(stdout, stdio(&io::stdout())?)?, output(stderr, stdio(&io::stderr())?)?]
        }
    };
    spawn("command", move || {
        let end = follow(&command, &tell);
        for pump in outputs {
            let _ = pump.join();
        }
        tell(Attached::Ended(end));
    })?;
    Ok(handle)
}

/// Reads the command's messages to the last.
fn follow(mut line: &UnixStream, tell: &impl Fn(Attached)) -> End {
    loop {
        match read_frame(&mut line) {
            Ok(FromCommand::Started { started_nanos }) => tell(Attached::Started(started_nanos)),
            Ok(FromCommand::Exited(status)) => return End::Exited(status),
            Ok(FromCommand::Signaled(signal)) => return End::Signaled(signal),
            Ok(FromCommand::Failed { reason, errno }) => return End::Failed(reason, errno),
            Err(_) => return End::Lost,
        }
    }
}

fn stdio(stream: &impl AsFd) -> io::Result<File> {
    Ok(File::from(stream.as_fd().try_clone_to_owned()?))
}

/// Standard input to the guest. The thread is left behind when the command ends first: nothing
/// can interrupt a read from a terminal, and the process is about to exit.
fn input(to: UnixStream) -> io::Result<JoinHandle<()>> {
    let from = stdio(&io::stdin());
    spawn("stdin", move || {
        if let Ok(from) = from {
            let _ = copy(from, &to);
        }
        let _ = to.shutdown(Shutdown::Write);
    })
}

/// Guest output to ours. When our reader is gone (`qvm … | head`), the guest's writer is told by
/// closing the way back, so that the command gets its SIGPIPE.
fn output(from: UnixStream, to: File) -> io::Result<JoinHandle<()>> {
    spawn("output", move || {
        if copy(&from, to).is_err() {
            let _ = from.shutdown(Shutdown::Both);
        }
    })
}

/// Copies to the end of `from`. Standard streams may have been made non-blocking by whoever else
/// has them (ssh, Node.js), so both sides are waited for where they say that they would block.
fn copy(mut from: impl Read + AsFd, mut to: impl Write + AsFd) -> io::Result<()> {
    let mut buffer = vec![0u8; 64 << 10];
    loop {
        let n = match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(n) => n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                wait(&from, PollFlags::IN)?;
                continue;
            }
            // The machine was cut off: the end, as far as the reader is concerned.
            Err(e) if e.kind() == io::ErrorKind::ConnectionReset => return Ok(()),
            Err(e) => return Err(e),
        };
        let mut rest = &buffer[..n];
        while !rest.is_empty() {
            match to.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => rest = rest.get(n..).unwrap_or_default(),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => wait(&to, PollFlags::OUT)?,
                Err(e) => return Err(e),
            }
        }
    }
}

fn wait(stream: &impl AsFd, what: PollFlags) -> io::Result<()> {
    match poll(&mut [PollFd::new(stream, what)], None) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

pub fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name(name.into()).stack_size(128 << 10).spawn(body)
}

#[cfg(test)]
#[path = "attach_test.rs"]
mod tests;
