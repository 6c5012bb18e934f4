//! What our own monitor is given on every hypervisor.

use std::{
    fs::File,
    io::Read,
    sync::{Arc, OnceLock},
    time::Instant,
};

use super::{attach::spawn, engine::Base, error::Error, machine::layers};
use crate::{
    process::{self, LocalShare, LocalVsock, Process, VhostUserArgs, VmmArgs},
    sys::pipe,
};

/// Tells when the first vCPU entered the guest.
#[derive(Debug)]
pub struct FirstEntry {
    at: Arc<OnceLock<Instant>>,
}

impl FirstEntry {
    /// The moment, if it has come.
    pub fn at(&self) -> Option<Instant> {
        self.at.get().copied()
    }

    /// Waits for the monitor's word on a thread.
    fn from(mut pipe: File) -> std::io::Result<Self> {
        let at = Arc::new(OnceLock::new());
        let told = Arc::clone(&at);
        spawn("entry", move || {
            if pipe.read_exact(&mut [0u8; 8]).is_ok() {
                let _ = told.set(Instant::now());
            }
        })?;
        Ok(Self { at })
    }
}

/// What the kernel is told. The agent is `/init` of the initramfs, so there is no `root=`.
pub fn kernel_line(show_boot: bool) -> String {
    qvm_vmm::boot::cmdline::base(show_boot)
}

/// The hypervisor, and who serves devices.
#[derive(Default)]
pub(super) struct On {
    /// `/dev/kvm`, or Hypervisor.framework.
    pub kvm: Option<File>,
    /// Devices of other processes.
    pub vhost_user: Vec<VhostUserArgs>,
    /// Folders that the monitor serves.
    pub shares: Vec<LocalShare>,
    /// The same of vsock.
    pub vsock: Option<LocalVsock>,
}

/// Starts the monitor.
pub(super) fn start(base: Base<'_>, on: On) -> Result<(Process, FirstEntry), Error> {
    let (entry, entry_end) = pipe().map_err(|e| Error::System("make a pipe", e))?;
    let entry = FirstEntry::from(entry.into()).map_err(|e| Error::System("start threads", e))?;
    let process = process::spawn_vmm(VmmArgs {
        cpus: base.spec.cpus,
        memory: base.spec.memory,
        kernel: base.kernel.into(),
        initrd: base.initrd.into_iter().map(Into::into).collect(),
        cmdline: format!("{}{}", kernel_line(base.spec.output.show_boot), layers(&base.disks)),
        disks: base.disks.into_iter().map(Into::into).collect(),
        vhost_user: on.vhost_user,
        rng: true,
        balloon: true,
        serial: Some(base.console.into()),
        kvm: on.kvm.map(Into::into),
        shares: on.shares,
        vsock: on.vsock,
        stop: None,
        first_entry: Some(entry_end),
    })?;
    Ok((process, entry))
}
