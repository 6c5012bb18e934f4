//! Devices that the monitor serves itself: the code of the `fs` and `vsock` processes, on threads.

use std::{io, os::fd::OwnedFd};

use confine::{Identity, Limits, Profile, Role};
use serde::{Deserialize, Serialize};
use virtio_devices::{
    device::VirtioDevice,
    fs::{Fs, FsConfig, Host},
    vsock::{HostPort, Vsock},
};

use super::{LocalShare, LocalVsock};
use crate::process::launch::{Launch, Passed};

/// A [`LocalShare`] on its way to the process.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ShareJob {
    dir: Passed,
    tag: String,
    read_only: bool,
}

impl ShareJob {
    pub(super) fn pass(share: LocalShare, launch: &mut Launch) -> Self {
        launch.serves(share.path, share.read_only);
        Self { dir: launch.pass(share.dir), tag: share.tag, read_only: share.read_only }
    }
}

/// A [`LocalVsock`] on its way to the process.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct VsockJob {
    guest_cid: u64,
    ports: Vec<(u32, Passed)>,
}

impl VsockJob {
    pub(super) fn pass(vsock: LocalVsock, pass: &mut impl FnMut(OwnedFd) -> Passed) -> Self {
        let ports = vsock.ports.into_iter().map(|(port, channel)| (port, pass(channel)));
        Self { guest_cid: vsock.guest_cid, ports: ports.collect() }
    }

    pub(super) fn take(self, keep: &mut Keep<'_>) -> io::Result<LocalVsock> {
        let ports = self.ports.into_iter().map(|(port, channel)| Ok((port, keep(channel)?)));
        Ok(LocalVsock { guest_cid: self.guest_cid, ports: ports.collect::<io::Result<_>>()? })
    }
}

/// Takes a descriptor over, to be kept open.
type Keep<'a> = dyn FnMut(Passed) -> io::Result<OwnedFd> + 'a;

/// A share in the process.
pub(super) struct Share {
    dir: OwnedFd,
    tag: String,
    read_only: bool,
}

pub(super) fn take(shares: Vec<ShareJob>, keep: &mut Keep<'_>) -> io::Result<Vec<Share>> {
    let take =
        |job: ShareJob| Ok(Share { dir: keep(job.dir)?, tag: job.tag, read_only: job.read_only });
    shares.into_iter().map(take).collect()
}

/// How a monitor that serves folders is confined: as the `fs` process is where that is wider.
pub(super) fn profile() -> Profile {
    let mut profile = Profile::new(Role::Vmm);
    profile.identity = Identity::Caller;
    profile.limits.open_files = Limits::of(Role::Fs).open_files;
    profile
}

/// Makes the devices, vsock first as where other processes serve them.
pub(super) fn devices(
    shares: Vec<Share>,
    vsock: Option<LocalVsock>,
) -> io::Result<Vec<(String, Box<dyn VirtioDevice>)>> {
    let mut devices: Vec<(String, Box<dyn VirtioDevice>)> = Vec::new();
    if let Some(LocalVsock { guest_cid, ports }) = vsock {
        let ports = ports.into_iter().map(|(port, channel)| HostPort { port, channel });
        devices.push(("vsock".into(), Box::new(Vsock::new(guest_cid, ports.collect()))));
    }
    for share in shares {
        let mut config = FsConfig::new(share.tag.clone(), share.dir, Host::here()?);
        config.read_only = share.read_only;
        config.umask = Some(0);
        devices.push((share.tag, Box::new(Fs::new(config)?)));
    }
    Ok(devices)
}
