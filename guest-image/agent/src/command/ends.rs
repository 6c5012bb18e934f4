//! The two ends of a command's streams, and their connections to the host.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, mpsc};
use std::thread;

use agent_protocol::{FrameError, Opening, StreamKind, TerminalSize, Token};
use rustix::fs::{Gid, OFlags, Uid};
use rustix::pipe::{PipeFlags, pipe_with};

use super::STACK;
use super::events::Flag;
use super::pty;
use super::streams::{Progress, Sink, enlarge, input, output};
use crate::sys::fork::Stdio;
use crate::sys::socket::{Dial, Socket, open};

/// The agent's ends.
#[derive(Debug)]
pub enum Ours {
    /// The controlling side of the terminal.
    Terminal(Arc<OwnedFd>),
    /// Standard input to write, output and error to read.
    Pipes([OwnedFd; 3]),
}

/// The command's ends.
#[derive(Debug)]
pub enum Theirs {
    /// The terminal.
    Terminal(OwnedFd),
    /// Standard input to read, output and error to write.
    Pipes([OwnedFd; 3]),
}

/// Makes both ends; the command's belong to `owner` (user and group), who can thus open them
/// again as `/dev/stdin` and the like.
///
/// # Errors
/// `EMFILE` and the like; those of [`pty::open`].
pub fn make(
    terminal: Option<TerminalSize>,
    owner: Option<(u32, u32)>,
) -> io::Result<(Ours, Theirs)> {
    if let Some(size) = terminal {
        let pty = pty::open(size, owner.map(|(uid, _)| uid))?;
        return Ok((Ours::Terminal(Arc::new(pty.controller)), Theirs::Terminal(pty.terminal)));
    }
    let pipe = || -> io::Result<_> {
        let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
        enlarge(&write);
        if let Some((uid, gid)) = owner {
            rustix::fs::fchown(&write, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))?;
        }
        Ok((read, write))
    };
    let (their_input, our_input) = pipe()?;
    let (our_output, their_output) = pipe()?;
    let (our_error, their_error) = pipe()?;
    rustix::fs::fcntl_setfl(&our_input, OFlags::NONBLOCK)?;
    Ok((
        Ours::Pipes([our_input, our_output, our_error]),
        Theirs::Pipes([their_input, their_output, their_error]),
    ))
}

impl Theirs {
    /// For [`crate::sys::fork::start`].
    pub fn stdio(&self) -> Stdio<'_> {
        match self {
            Self::Terminal(terminal) => Stdio::Terminal(terminal.as_fd()),
            Self::Pipes(pipes) => Stdio::Pipes(pipes.each_ref().map(|pipe| pipe.as_fd())),
        }
    }
}

/// A command's connections to the host.
#[derive(Debug)]
pub struct Streams(Vec<Socket>);

/// Dials the connections for a terminal or for three pipes.
///
/// # Errors
/// As [`open`].
pub fn dial(
    dialer: &dyn Dial,
    id: u32,
    token: Token,
    terminal: bool,
) -> Result<Streams, FrameError> {
    let kinds: &[StreamKind] = if terminal {
        &[StreamKind::Terminal]
    } else {
        &[StreamKind::Stdin, StreamKind::Stdout, StreamKind::Stderr]
    };
    kinds
        .iter()
        .map(|&kind| open(dialer, &Opening::Stream { id, token, kind }))
        .collect::<Result<_, _>>()
        .map(Streams)
}

/// Starts copying between `ours` and `streams`. Each output tells its [`Progress`] through
/// `progress` along with its number; returns how many outputs there are.
///
/// # Errors
/// `EAGAIN` when there can be no more threads.
pub fn connect(
    ours: Ours,
    streams: Streams,
    ended: &Arc<Flag>,
    to_the_end: bool,
    progress: &mpsc::Sender<(usize, Progress)>,
) -> io::Result<usize> {
    let mut sockets = streams.0.into_iter().map(Arc::new);
    let mut next = || sockets.next().ok_or(io::ErrorKind::NotConnected);
    let start_output = |number: usize, from: Arc<OwnedFd>, to: Arc<Socket>| {
        let (ended, progress) = (Arc::clone(ended), progress.clone());
        start("output", move || {
            output(from, &to, &ended, to_the_end, |step| {
                // Nobody listens any more when the machine is about to end.
                let _ = progress.send((number, step));
            });
        })
    };
    let start_input = |from: Arc<Socket>, to: Sink| {
        let ended = Arc::clone(ended);
        start("input", move || input(&from, to, &ended))
    };
    match ours {
        Ours::Terminal(controller) => {
            let socket = next()?;
            start_input(Arc::clone(&socket), Sink::Terminal(Arc::clone(&controller)))?;
            start_output(0, controller, socket)?;
            Ok(1)
        }
        Ours::Pipes([input, output, error]) => {
            start_input(next()?, Sink::Pipe(input))?;
            start_output(0, Arc::new(output), next()?)?;
            start_output(1, Arc::new(error), next()?)?;
            Ok(2)
        }
    }
}

/// Starts a thread that nobody joins.
pub fn start(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(name.into()).stack_size(STACK).spawn(work).map(drop)
}
