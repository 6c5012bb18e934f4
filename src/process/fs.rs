//! The server of a shared folder.

use std::{
    io,
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::net::UnixStream,
    },
};

use confine::{Identity, Profile, Role, Root};
use serde::{Deserialize, Serialize};
use virtio_devices::{
    fs::{Fs, FsConfig},
    transport::vhost_user,
};

use super::{
    Error, Process, child,
    launch::{Launch, Passed},
    sys::Job,
    words,
};

/// A shared folder to be served.
#[derive(Debug)]
pub struct FsArgs {
    /// The folder, opened with `O_PATH | O_DIRECTORY`.
    pub dir: OwnedFd,
    /// Its virtio-fs tag.
    pub tag: String,
    /// Every change is refused.
    pub read_only: bool,
}

/// The same on its way to the process.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct FsJob {
    dir: Passed,
    socket: Passed,
    tag: String,
    read_only: bool,
}

/// Starts the server of a shared folder. The socket is the monitor's end (vhost-user
/// frontend). The process ends when that is closed.
///
/// # Errors
/// [`Error::Start`]. What happens later is told by [`Process::ready`].
pub fn spawn_fs(args: FsArgs) -> Result<(Process, UnixStream), Error> {
    let (ours, theirs) =
        UnixStream::pair().map_err(|source| Error::Start { name: "fs", source })?;
    let mut launch = Launch::new(Role::Fs);
    let job = FsJob {
        dir: launch.pass(args.dir),
        socket: launch.pass(theirs),
        tag: args.tag,
        read_only: args.read_only,
    };
    Ok((launch.start(Job::Fs(job))?, ours))
}

/// How it is confined, but for its folder.
pub(super) fn profile() -> Profile {
    let mut profile = Profile::new(Role::Fs);
    profile.identity = Identity::Caller;
    profile
}

/// The process.
pub(super) fn run(job: FsJob, start: child::Start) -> Result<(), child::Error> {
    let socket = job.socket.take()?;
    let mut profile = profile();
    profile.root = Root::Folder { folder: job.dir.take()?, read_only: job.read_only };
    profile.keep.push(socket.as_raw_fd());
    let denied = start.denied;
    let confined = confine::enter(start.bind(profile))?;
    let lost = || io::Error::other("the folder was not opened anew");
    let mut config = FsConfig::new(
        job.tag,
        confined.root.ok_or_else(lost)?,
        confined.descriptors.ok_or_else(lost)?,
    );
    config.read_only = job.read_only;
    config.umask = Some(0);
    let mut device = Fs::new(config)?;
    words::say_ready(&confined.report);
    confine::seal(Role::Fs, denied)?;
    vhost_user::serve(&mut device, UnixStream::from(socket))?;
    Ok(())
}
