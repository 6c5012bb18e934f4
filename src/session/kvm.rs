//! Our own monitor on KVM as CPU engine.

use std::fs::OpenOptions;

use virtio_devices::{fs, vsock};

use super::{
    engine::Base,
    error::Error,
    machine::Parts,
    vmm::{self, FirstEntry, On},
};
use crate::process::{Process, VhostUserArgs};

/// Where KVM is.
const DEVICE: &str = "/dev/kvm";

/// Starts the monitor.
pub(super) fn start(parts: Parts<'_>) -> Result<(Process, FirstEntry), Error> {
    let kvm = OpenOptions::new()
        .read(true)
        .write(true)
        .open(DEVICE)
        .map_err(|e| Error::Open(DEVICE.into(), e))?;
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
    let base = Base {
        spec: parts.spec,
        kernel: parts.kernel,
        initrd: parts.initrd,
        disks: parts.disks,
        console: parts.console,
        ports: Vec::new(),
    };
    vmm::start(base, On { kvm: Some(kvm), vhost_user, ..On::default() })
}
