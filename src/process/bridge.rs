//! The HTTP filter between the guest and a model server.

use std::{
    fs::File,
    os::fd::{AsRawFd, OwnedFd},
};

use confine::{Profile, Role};
use host_bridge::{Bridge, Config, Limits};
use serde::{Deserialize, Serialize};

use super::{
    Error, Process, child,
    launch::{Launch, Passed},
    sys::Job,
    words,
};

/// What the filter stands between.
#[derive(Debug)]
pub struct BridgeArgs {
    /// Brings the guest's connections to the model.
    pub model: OwnedFd,
    /// Brings the guest's connections for switching models.
    pub switch: OwnedFd,
    /// Leads to who supplies the model: see [`host_bridge::link`].
    pub link: OwnedFd,
    /// Requests are written here.
    pub log: Option<File>,
}

/// The same on its way to the process.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct BridgeJob {
    model: Passed,
    switch: Passed,
    link: Passed,
    log: Option<Passed>,
}

/// Starts the filter. It ends when the guest's relay or the supplier is gone.
///
/// # Errors
/// [`Error::Start`]. What happens later is told by [`Process::ready`].
pub fn spawn_bridge(args: BridgeArgs) -> Result<Process, Error> {
    let mut launch = Launch::new(Role::Bridge);
    let job = BridgeJob {
        model: launch.pass(args.model),
        switch: launch.pass(args.switch),
        link: launch.pass(args.link),
        log: args.log.map(|log| launch.pass(log)),
    };
    launch.start(Job::Bridge(job))
}

/// The process.
pub(super) fn run(job: BridgeJob, start: child::Start) -> Result<(), child::Error> {
    let (model, switch, link) = (job.model.take()?, job.switch.take()?, job.link.take()?);
    let log = job.log.map(Passed::take).transpose()?;
    let mut profile = Profile::new(Role::Bridge);
    profile.keep.extend([model.as_raw_fd(), switch.as_raw_fd(), link.as_raw_fd()]);
    profile.keep.extend(log.as_ref().map(AsRawFd::as_raw_fd));
    let denied = start.denied;
    let confined = confine::enter(start.bind(profile))?;
    let bridge = Bridge::new(Config {
        model,
        switch,
        accept: Box::new(|channel| {
            Ok(virtio_devices::vsock::accept(channel)?.map(|(_, stream)| stream))
        }),
        link,
        log: log.map(File::from),
        limits: Limits::default(),
    })?;
    words::say_ready(&confined.report);
    confine::seal(Role::Bridge, denied)?;
    bridge.run()?;
    Ok(())
}
