//! A model server in its sandbox: a foreign program that reads files from the internet (GGUF)
//! and speaks to guests.
//!
//! The process becomes the first of a process id namespace, starts the server as its one child,
//! which may be executed once and never again, and then brings connections to the server's
//! socket, which lies inside the sandbox, to whoever holds the other end of its channel:
//!
//! ```text
//!  supervisor ── "?" ──▶ launcher (pid 1) ── connect ──▶ /run/model/server.sock ── llama-server
//!       ◀── "+" and the connection, or "-" ──┘
//! ```

use std::{
    ffi::OsString,
    io,
    os::{
        fd::{AsFd, AsRawFd, OwnedFd},
        unix::{ffi::OsStringExt, net::UnixStream},
    },
    path::PathBuf,
};

use confine::{Entry, Profile, Program, Role, Root, What};
use rustix::{
    event::{PollFd, PollFlags, poll},
    io::Errno,
    net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, socket_with},
};
use serde::{Deserialize, Serialize};

use super::{
    Error, Process, child,
    launch::{Launch, Passed},
    sys::Job,
    words,
};
use crate::descriptors;

/// Where the server listens, inside its sandbox. llama-server takes a path that ends in `.sock`
/// for a Unix socket.
pub const SOCKET: &str = "/run/model/server.sock";

/// A server and all it may have.
#[derive(Debug)]
pub struct ModelArgs {
    /// Its root: every path it can see.
    pub root: Vec<Entry>,
    /// The program, by its path in there.
    pub program: PathBuf,
    /// Its arguments, the program's name first.
    pub argv: Vec<OsString>,
    /// Its environment.
    pub env: Vec<(OsString, OsString)>,
    /// Its standard output and error.
    pub output: OwnedFd,
    /// It may talk to the devices in its root.
    pub gpu: bool,
    /// One end of a `SOCK_SEQPACKET` pair: at the other, [`connect`] asks for connections.
    pub channel: OwnedFd,
}

/// The same on its way to the process.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ModelJob {
    root: Vec<(PathBuf, Thing)>,
    program: Vec<u8>,
    argv: Vec<Vec<u8>>,
    env: Vec<(Vec<u8>, Vec<u8>)>,
    output: Passed,
    gpu: bool,
    channel: Passed,
}

/// [`What`] with descriptors that are passed.
#[derive(Debug, Serialize, Deserialize)]
enum Thing {
    Read(Passed),
    Libraries(Passed),
    Execute(Passed),
    Device(Passed),
    Write(Passed),
    Link(PathBuf),
    Scratch { bytes: u64 },
    Processes { names: bool },
}

impl Thing {
    fn pass(what: What, launch: &mut Launch) -> Self {
        match what {
            What::Read(fd) => Self::Read(launch.pass(fd)),
            What::Libraries(fd) => Self::Libraries(launch.pass(fd)),
            What::Execute(fd) => Self::Execute(launch.pass(fd)),
            What::Device(fd) => Self::Device(launch.pass(fd)),
            What::Write(fd) => Self::Write(launch.pass(fd)),
            What::Link(target) => Self::Link(target),
            What::Scratch { bytes } => Self::Scratch { bytes },
            What::Processes { names } => Self::Processes { names },
        }
    }

    fn take(self) -> io::Result<What> {
        Ok(match self {
            Self::Read(fd) => What::Read(fd.take()?),
            Self::Libraries(fd) => What::Libraries(fd.take()?),
            Self::Execute(fd) => What::Execute(fd.take()?),
            Self::Device(fd) => What::Device(fd.take()?),
            Self::Write(fd) => What::Write(fd.take()?),
            Self::Link(target) => What::Link(target),
            Self::Scratch { bytes } => What::Scratch { bytes },
            Self::Processes { names } => What::Processes { names },
        })
    }
}

/// Starts a server. It ends when the caller or its channel does.
///
/// # Errors
/// [`Error::Start`]. What happens up to the execution is told by [`Process::ready`].
pub fn spawn_model(args: ModelArgs) -> Result<Process, Error> {
    let mut launch = Launch::new(Role::Model);
    let root = args
        .root
        .into_iter()
        .map(|entry| (entry.at, Thing::pass(entry.what, &mut launch)))
        .collect();
    let job = ModelJob {
        root,
        program: args.program.into_os_string().into_vec(),
        argv: args.argv.into_iter().map(OsString::into_vec).collect(),
        env: args.env.into_iter().map(|(n, v)| (n.into_vec(), v.into_vec())).collect(),
        output: launch.pass(args.output),
        gpu: args.gpu,
        channel: launch.pass(args.channel),
    };
    launch.start(Job::Model(job))
}

/// The process.
pub(super) fn run(job: ModelJob, start: child::Start) -> Result<(), child::Error> {
    let (output, channel) = (job.output.take()?, job.channel.take()?);
    let entries = job
        .root
        .into_iter()
        .map(|(at, thing)| Ok(Entry { at, what: thing.take()? }))
        .collect::<io::Result<Vec<_>>>()?;
    let mut profile = Profile::new(Role::Model);
    profile.strict = true;
    profile.root = Root::Tree { entries };
    profile.keep.extend([output.as_raw_fd(), channel.as_raw_fd()]);
    let denied = start.denied;
    let confined = confine::enter(start.bind(profile))?;
    let program = PathBuf::from(OsString::from_vec(job.program));
    let pair = |(n, v)| (OsString::from_vec(n), OsString::from_vec(v));
    let mut server = confine::start_program(Program {
        path: program,
        argv: job.argv.into_iter().map(OsString::from_vec).collect(),
        env: job.env.into_iter().map(pair).collect(),
        output,
        gpu: job.gpu,
        denied,
    })?;
    words::say_ready(&confined.report);
    confine::seal(Role::Model, denied)?;
    bring(&channel, &mut server)
}

/// Brings connections until the caller is gone or the server ends.
fn bring(channel: &OwnedFd, server: &mut confine::Child) -> Result<(), child::Error> {
    loop {
        let mut polled = [PollFd::new(channel, PollFlags::IN), PollFd::new(server, PollFlags::IN)];
        match poll(&mut polled, None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(io::Error::from(errno).into()),
        }
        let [asked, ended] = polled.map(|polled| !polled.revents().is_empty());
        if ended {
            return Err(child::Error::Ended(server.wait()?));
        }
        if asked && !answer(channel)? {
            return Ok(());
        }
    }
}

/// Answers one question; false when nobody asks any more.
fn answer(channel: &OwnedFd) -> io::Result<bool> {
    let mut question = [0; 1];
    if rustix::io::retry_on_intr(|| rustix::io::read(channel, &mut question))? == 0 {
        return Ok(false);
    }
    match reach() {
        Ok(stream) => descriptors::send(channel, b"+", &[stream.as_fd()])?,
        Err(_) => descriptors::send(channel, b"-", &[])?,
    }
    Ok(true)
}

/// Connects to the server. A full backlog is no reason to wait: others ask too.
fn reach() -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    rustix::net::connect(&socket, &SocketAddrUnix::new(SOCKET)?)?;
    Ok(socket)
}

/// Asks the launcher at the other end of `channel` for a connection to its server. One question
/// at a time.
///
/// # Errors
/// `ConnectionRefused` while the server does not listen, `BrokenPipe` when it is gone.
pub fn connect(channel: &OwnedFd) -> io::Result<UnixStream> {
    descriptors::send(channel, b"?", &[])?;
    match descriptors::receive(channel, &mut [0])? {
        (0, _) => Err(io::ErrorKind::BrokenPipe.into()),
        (_, mut streams) => {
            let stream = streams.pop().ok_or(io::ErrorKind::ConnectionRefused)?;
            let stream = UnixStream::from(stream);
            stream.set_nonblocking(false)?;
            Ok(stream)
        }
    }
}
