//! Devices that other processes serve.

use std::os::fd::OwnedFd;

use virtio_devices::device::VirtioDevice;
use virtio_devices::transport::vhost_user::VhostUser;

use crate::machine::{Error, VhostUserSpec};

/// Connects to the device of `spec`; with it comes a descriptor whose hang-up tells that its
/// process has gone.
pub(crate) fn vhost_user(spec: VhostUserSpec) -> Result<(Box<dyn VirtioDevice>, OwnedFd), Error> {
    let VhostUserSpec { name, device_type, queue_sizes, socket, config } = spec;
    let device = VhostUser::new(device_type, queue_sizes, socket, config)
        .map_err(|source| Error::Device { name: name.clone(), source: Box::new(source) })?;
    let hangup =
        device.hangup_fd().map_err(|source| Error::Device { name, source: Box::new(source) })?;
    Ok((Box::new(device), hangup))
}
