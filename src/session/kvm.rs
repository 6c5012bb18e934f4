//! Our own monitor on KVM as CPU engine.

use std::{
    fs::{File, OpenOptions},
    io::Read,
    sync::{Arc, OnceLock},
    time::Instant,
};

use rustix::pipe::{PipeFlags, pipe_with};
use virtio_devices::{fs, vsock};

use super::{
    attach::spawn,
    error::Error,
    machine::{Parts, layers},
};
use crate::process::{self, Process, VhostUserArgs, VmmArgs};

/// Where KVM is.
const DEVICE: &str = "/dev/kvm";

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

/// Starts the monitor.
pub(super) fn start(parts: Parts<'_>) -> Result<(Process, FirstEntry), Error> {
    let kvm = OpenOptions::new()
        .read(true)
        .write(true)
        .open(DEVICE)
        .map_err(|e| Error::Open(DEVICE.into(), e))?;
    let (entry, entry_end) =
        pipe_with(PipeFlags::CLOEXEC).map_err(|e| Error::System("make a pipe", e.into()))?;
    let entry = FirstEntry::from(entry.into()).map_err(|e| Error::System("start threads", e))?;
    let mut vhost_user = vec![VhostUserArgs {
        name: "vsock".into(),
        device_type: vsock::DEVICE_TYPE,
        queue_sizes: vsock::QUEUE_SIZES.to_vec(),
        socket: parts.vsock,
        // The process that serves a device answers for its configuration space.
        config: Vec::new(),
    }];
    vhost_user.extend(parts.shares.into_iter().map(|(socket, tag)| VhostUserArgs {
        name: tag,
        device_type: fs::DEVICE_TYPE,
        queue_sizes: fs::QUEUE_SIZES.to_vec(),
        socket,
        config: Vec::new(),
    }));
    let process = process::spawn_vmm(VmmArgs {
        cpus: parts.spec.cpus,
        memory: parts.spec.memory,
        kernel: parts.kernel.into(),
        initrd: parts.initrd.into_iter().map(Into::into).collect(),
        cmdline: format!("{}{}", kernel_line(parts.spec.output.show_boot), layers(&parts.disks)),
        disks: parts.disks.into_iter().map(Into::into).collect(),
        vhost_user,
        rng: true,
        balloon: true,
        serial: Some(parts.console.into()),
        kvm: kvm.into(),
        stop: None,
        first_entry: Some(entry_end),
    })?;
    Ok((process, entry))
}
