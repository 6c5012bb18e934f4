//! Linux: the launcher becomes the first of a process id namespace, and starts the server as its
//! one child, which may be executed once and never again. The server's socket lies inside the
//! sandbox.

use std::{
    ffi::OsString,
    io,
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::ffi::OsStringExt,
    },
    path::{Path, PathBuf},
};

use confine::{Entry, Profile, Program, Role, Root, What};
use serde::{Deserialize, Serialize};

use super::bring;
use crate::process::{
    Error, Process, child,
    launch::{Launch, Passed},
    sys::Job,
    words,
};

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
    /// One end of a `SOCK_SEQPACKET` pair: at the other, [`connect`](super::connect) asks for connections.
    pub channel: OwnedFd,
}

/// The same on its way to the process.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::process) struct ModelJob {
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
pub(in crate::process) fn run(job: ModelJob, start: child::Start) -> Result<(), child::Error> {
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
    let ended = bring(&channel, &server, None, Path::new(SOCKET))?;
    if ended { Err(child::Error::Ended(server.wait()?)) } else { Ok(()) }
}
