//! Linux.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    process::Command,
};

use confine::{Denied, Profile, Report, Role};
use qvm_vmm::machine::{self, Machine, MachineSpec};
use rustix::{
    io::Errno,
    process::{
        Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, pidfd_open, pidfd_send_signal,
        set_parent_process_death_signal, waitid,
    },
};
use serde::{Deserialize, Serialize};

use crate::process::{Status, bridge, child, fs, launch::Sandbox, model, qemu, vmm, vsock};

/// What ends a device's process.
pub(in crate::process) type ServeError = virtio_devices::transport::vhost_user::Error;

/// What a process is told to do.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::process) enum Job {
    Fs(fs::FsJob),
    Vsock(vsock::VsockJob),
    Vmm(vmm::VmmJob),
    Qemu(qemu::QemuJob),
    Bridge(bridge::BridgeJob),
    Model(model::ModelJob),
}

impl Job {
    /// Does it.
    pub(in crate::process) fn run(self, start: child::Start) -> Result<(), child::Error> {
        match self {
            Self::Fs(job) => fs::run(job, start),
            Self::Vsock(job) => vsock::run(job, start),
            Self::Vmm(job) => vmm::run(job, start),
            Self::Qemu(job) => qemu::run(job, start),
            Self::Bridge(job) => bridge::run(job, start),
            Self::Model(job) => model::run(job, start),
        }
    }
}

/// This program, executed anew. It confines itself.
#[allow(clippy::unnecessary_wraps, reason = "more is to be done elsewhere")]
pub(in crate::process) fn command(_sandbox: &Sandbox, _given: &[OwnedFd]) -> io::Result<Command> {
    Ok(Command::new("/proc/self/exe"))
}

/// Has this process, which was just forked, die with the thread that forked it.
pub(in crate::process) fn die_with() -> io::Result<()> {
    Ok(set_parent_process_death_signal(Some(Signal::KILL))?)
}

/// How the monitor confines itself.
pub(in crate::process) struct Confinement {
    /// What a refused system call does.
    pub(in crate::process) denied: Denied,
    /// It serves folders itself, for which Linux has no confinement: only builds for tests do.
    pub(in crate::process) serves: bool,
}

impl Confinement {
    /// [`confine::enter`].
    pub(in crate::process) fn enter(&self, profile: Profile) -> Result<Report, confine::Error> {
        match self.free() {
            true => Ok(Report { role: Role::Vmm, layers: Vec::new() }),
            false => Ok(confine::enter(profile)?.report),
        }
    }

    /// Never in a build that is not for tests.
    fn free(&self) -> bool {
        self.serves && cfg!(feature = "hvf-shim")
    }

    /// [`confine::seal`].
    pub(in crate::process) fn seal(&self) -> Result<(), confine::Error> {
        if !self.free() {
            confine::seal(Role::Vmm, self.denied)?;
        }
        Ok(())
    }
}

/// Builds a machine: on KVM, but for those that are to try out the code for macOS.
pub(in crate::process) fn machine(spec: MachineSpec) -> Result<vmm::Built, machine::Error> {
    #[cfg(all(feature = "hvf-shim", target_arch = "aarch64"))]
    if spec.kvm.is_none() {
        let machine = Machine::on_hvf(spec)?;
        return Ok(Box::new(move || machine.run()));
    }
    let machine = Machine::new(spec)?;
    Ok(Box::new(move || machine.run()))
}

/// A process of ours. Its descriptor is readable once it has ended.
#[derive(Debug)]
pub(in crate::process) struct Watch(OwnedFd);

impl Watch {
    /// Watches a child that nobody has waited for yet, so that its number is still its own.
    pub(in crate::process) fn new(child: Pid) -> io::Result<Self> {
        Ok(Self(pidfd_open(child, PidfdFlags::empty())?))
    }

    /// Kills it, unless it has ended.
    pub(in crate::process) fn kill(&self) {
        let _ = pidfd_send_signal(&self.0, Signal::KILL);
    }

    /// How it ended; `None` while it runs.
    pub(in crate::process) fn status(&self) -> Option<Status> {
        loop {
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
            match waitid(WaitId::PidFd(self.0.as_fd()), options) {
                Ok(status) => return status.as_ref().map(Status::of),
                Err(Errno::INTR) => {}
                Err(_) => return Some(Status::Unknown),
            }
        }
    }
}

impl AsFd for Watch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
