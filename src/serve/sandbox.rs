//! A model server in its sandbox: started, and asked what it is.

#[cfg(target_os = "linux")]
#[path = "sandbox/linux.rs"]
mod imp;
#[cfg(target_os = "macos")]
#[path = "sandbox/macos.rs"]
mod imp;

use std::{ffi::OsString, os::fd::OwnedFd, path::PathBuf, time::Duration};

pub use imp::Folder;

use models::{Profile, Server, gpu::Grants};

use super::{log::Log, supervisor::Served, weights::Weights};
use crate::{
    process::{self, Process},
    sys,
};

/// A process confines itself within milliseconds, on a loaded machine within seconds.
const CONFINED: Duration = Duration::from_secs(60);
/// The devices of a GPU are looked for no longer than this.
const LISTED: Duration = Duration::from_secs(60);
/// What a server said that is gone is read at once, on a loaded machine within seconds.
const READ: Duration = Duration::from_secs(10);

/// Why no server was started.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something that the server needs cannot be opened.
    #[error("cannot open {}", .0.display())]
    Open(PathBuf, #[source] std::io::Error),
    /// An argument is not for a server of ours.
    #[error(transparent)]
    Flag(#[from] models::FlagError),
    /// The profile of its sandbox.
    #[cfg_attr(target_os = "linux", allow(dead_code, reason = "of macOS"))]
    #[error(transparent)]
    Seatbelt(#[from] confine::seatbelt::SeatbeltError),
    /// The sandbox, or the program in it.
    #[error(transparent)]
    Process(#[from] process::Error),
    /// The system refused something.
    #[error("cannot {0}")]
    System(&'static str, #[source] std::io::Error),
    /// The sandbox could be made; the program does not run in it.
    #[error("{} tells no version{}", program.display(), said.as_ref().map(|line| format!(": {line}")).unwrap_or_default())]
    NoVersion {
        /// The program.
        program: PathBuf,
        /// What it said that may tell why.
        said: Option<String>,
    },
}

/// A server that was started.
pub struct Started {
    /// Its launcher.
    pub process: Process,
    /// The way to it.
    pub served: Served,
    /// What it prints.
    pub log: Log,
    /// What goes with it, to be held as long.
    pub folder: Option<Folder>,
}

/// Starts `server` on `weights`.
///
/// # Errors
/// [`Error`]: no part of the sandbox may be missing.
pub fn start(
    server: &Server,
    profile: &Profile,
    weights: &Weights,
    gpu: &Grants,
    extra: &[OsString],
    verbose: bool,
) -> Result<Started, Error> {
    imp::start(server, profile, weights, gpu, extra, verbose)
}

/// What joins a server with us.
struct Plumbing {
    channel: OwnedFd,
    theirs: OwnedFd,
    output: OwnedFd,
    log: Log,
}

fn plumbing(verbose: bool) -> Result<Plumbing, Error> {
    let (channel, theirs) = sys::channel().map_err(|e| Error::System("make a socket", e))?;
    let (reader, output) = sys::pipe().map_err(|e| Error::System("make a pipe", e))?;
    let log = Log::default();
    log.follow(reader, verbose).map_err(|e| Error::System("start a thread", e))?;
    Ok(Plumbing { channel, theirs, output, log })
}

fn finish(mut process: Process, channel: OwnedFd, log: Log) -> Result<Started, Error> {
    let ready = process.ready(CONFINED);
    sys::settle();
    ready?;
    let served = Served::new(channel).map_err(|e| Error::System("set up a socket", e))?;
    Ok(Started { process, served, log, folder: None })
}

/// Which devices of a GPU the server can use, given `gpu`: it is started in its sandbox and asked to
/// list them, for which it starts the driver. Its lines; none if it finds nothing usable.
///
/// # Errors
/// [`Error`].
pub fn usable(server: &Server, gpu: &Grants) -> Result<Vec<String>, Error> {
    let said = said(server, gpu, "--list-devices")?;
    Ok(said.lines().into_iter().filter_map(|line| device(&line)).collect())
}

/// The version of a server in its own words. It is asked in its sandbox, without a GPU, so that
/// the answer also tells that the sandbox can be made here.
///
/// # Errors
/// [`Error`]; [`Error::NoVersion`] when it is not the sandbox that is in the way.
pub fn version(server: &Server) -> Result<String, Error> {
    let said = said(server, &Grants::default(), "--version")?;
    said.lines()
        .iter()
        .find_map(|line| told(line))
        .ok_or_else(|| Error::NoVersion { program: server.program.clone(), said: said.telling() })
}

/// `version: 9637 (2f89acc)` of llama-server, `llamafile v0.10.0`.
fn told(line: &str) -> Option<String> {
    let version = line.strip_prefix("version: ");
    version.or_else(|| line.starts_with("llamafile v").then_some(line)).map(str::to_owned)
}

/// What a server says that is started with one argument and ends by itself.
fn said(server: &Server, gpu: &Grants, argument: &str) -> Result<Log, Error> {
    let mut started = imp::bare(server, gpu, argument)?;
    started.process.wait_for(LISTED);
    drop(started.process);
    started.log.wait_for_end(READ);
    Ok(started.log)
}

/// A line of the list of devices: `  CUDA0: NVIDIA H200 (143771 MiB, 143219 MiB free)`; Apple's is
/// `Metal` or `MTL0`.
fn device(line: &str) -> Option<String> {
    let line = line.trim();
    let (name, rest) = line.split_once(": ")?;
    let is_name = name == "Metal"
        || name.ends_with(|c: char| c.is_ascii_digit())
            && name.chars().all(|c| c.is_ascii_alphanumeric());
    (is_name && rest.contains("MiB")).then(|| line.to_owned())
}

#[cfg(test)]
#[path = "sandbox_test.rs"]
mod tests;
