//! macOS: the launcher starts `sandbox-exec`, which confines itself and becomes the server. The
//! server's socket lies in a folder of its own.
//!
//! Launcher and server are one process group, which is killed as a whole ([`super::super::sys`]). A
//! launcher whose session is gone ends its server. If somebody kills just the launcher, the server
//! stays until somebody ends it: macOS ties no process to another.

use std::{
    ffi::OsString,
    os::{fd::OwnedFd, unix::ffi::OsStringExt},
    path::PathBuf,
    process::{Command, Stdio},
};

use confine::{Report, Role};
use rustix::process::Pid;
use serde::{Deserialize, Serialize};

use super::bring;
use crate::process::{
    Error, Process, child,
    launch::{Launch, Passed},
    sys::{Job, Watch},
    words,
};

/// A server and how it is started.
#[derive(Debug)]
pub struct ModelArgs {
    /// What is executed: [`confine::seatbelt::PROGRAM`].
    pub program: PathBuf,
    /// Its arguments: the profile's, then the server and the server's.
    pub argv: Vec<OsString>,
    /// Its environment.
    pub env: Vec<(OsString, OsString)>,
    /// The folder that is the server's own, and where it works.
    pub folder: PathBuf,
    /// Its socket, in there.
    pub socket: PathBuf,
    /// Its standard output and error.
    pub output: OwnedFd,
    /// One end of a channel: at the other, [`connect`](super::connect) asks for connections.
    pub channel: OwnedFd,
}

/// The same on its way to the process.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::process) struct ModelJob {
    program: PathBuf,
    argv: Vec<Vec<u8>>,
    env: Vec<(Vec<u8>, Vec<u8>)>,
    folder: PathBuf,
    socket: PathBuf,
    output: Passed,
    channel: Passed,
}

/// Starts a server. It ends when the caller or its channel does.
///
/// # Errors
/// [`Error::Start`]. What happens up to the execution is told by [`Process::ready`].
pub fn spawn_model(args: ModelArgs) -> Result<Process, Error> {
    let mut launch = Launch::new(Role::Model);
    let job = ModelJob {
        program: args.program,
        argv: args.argv.into_iter().map(OsString::into_vec).collect(),
        env: args.env.into_iter().map(|(n, v)| (n.into_vec(), v.into_vec())).collect(),
        folder: args.folder,
        socket: args.socket,
        output: launch.pass(args.output),
        channel: launch.pass(args.channel),
    };
    launch.start(Job::Model(job))
}

/// The process. It parses nothing of the server's, and is not confined: a process in a sandbox
/// could not put another into one.
pub(in crate::process) fn run(job: ModelJob, start: child::Start) -> Result<(), child::Error> {
    let (output, channel) = (job.output.take()?, job.channel.take()?);
    let life = start.life();
    let pair = |(n, v)| (OsString::from_vec(n), OsString::from_vec(v));
    let mut server = Command::new(&job.program)
        .args(job.argv.into_iter().map(OsString::from_vec))
        .env_clear()
        .envs(job.env.into_iter().map(pair))
        .current_dir(&job.folder)
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output)
        .spawn()
        .map_err(|source| child::Error::Execute { program: job.program, source })?;
    let watch = Watch::new(Pid::from_child(&server))?;
    words::say_ready(&Report { role: Role::Model, layers: Vec::new() });
    let ended = bring(&channel, &watch, Some(&life), &job.socket);
    // It may have ended by itself.
    let _ = server.kill();
    let status = server.wait()?;
    if ended? { Err(child::Error::Ended(status)) } else { Ok(()) }
}
