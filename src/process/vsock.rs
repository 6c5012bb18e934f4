//! The relay between guest ports and the session.

use std::os::{
    fd::{AsRawFd, OwnedFd},
    unix::net::UnixStream,
};

use confine::{Profile, Role};
use serde::{Deserialize, Serialize};
use virtio_devices::{
    transport::vhost_user,
    vsock::{HostPort, Vsock},
};

use super::{
    Error, Process, child,
    launch::{Launch, Passed},
    sys::Job,
    words,
};

/// The ports that a guest may connect to.
#[derive(Debug)]
pub struct VsockArgs {
    /// The guest's address: 3 or more.
    pub guest_cid: u64,
    /// Each port with one end of a `SOCK_SEQPACKET` pair: at the other end
    /// [`virtio_devices::vsock::accept`] receives the connections.
    pub ports: Vec<(u32, OwnedFd)>,
}

/// The same on its way to the process.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct VsockJob {
    guest_cid: u64,
    ports: Vec<(u32, Passed)>,
    socket: Passed,
}

/// Starts the relay. The socket is the monitor's end (vhost-user frontend). The process ends
/// when that is closed.
///
/// # Errors
/// [`Error::Start`]. What happens later is told by [`Process::ready`].
pub fn spawn_vsock(args: VsockArgs) -> Result<(Process, UnixStream), Error> {
    let (ours, theirs) =
        UnixStream::pair().map_err(|source| Error::Start { name: "vsock", source })?;
    let mut launch = Launch::new(Role::Vsock);
    let job = VsockJob {
        guest_cid: args.guest_cid,
        ports: args.ports.into_iter().map(|(port, channel)| (port, launch.pass(channel))).collect(),
        socket: launch.pass(theirs),
    };
    Ok((launch.start(Job::Vsock(job))?, ours))
}

/// How it is confined.
pub(super) fn profile() -> Profile {
    Profile::new(Role::Vsock)
}

/// The process.
pub(super) fn run(job: VsockJob, start: child::Start) -> Result<(), child::Error> {
    let socket = job.socket.take()?;
    let mut profile = profile();
    profile.keep.push(socket.as_raw_fd());
    let mut ports = Vec::with_capacity(job.ports.len());
    for (port, channel) in job.ports {
        let channel = channel.take()?;
        profile.keep.push(channel.as_raw_fd());
        ports.push(HostPort { port, channel });
    }
    let denied = start.denied;
    let confined = confine::enter(start.bind(profile))?;
    let mut device = Vsock::new(job.guest_cid, ports);
    words::say_ready(&confined.report);
    confine::seal(Role::Vsock, denied)?;
    vhost_user::serve(&mut device, UnixStream::from(socket))?;
    Ok(())
}
