//! A device in another process, as one more device of our monitor.
//!
//! Doorbells and interrupt events go to the other process as they are: once the device runs, no
//! request passes through this one.
//!
//! What the backend is told of guest memory is where it lies in the guest; the addresses at which
//! this process has it mapped are nobody's business.

use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use vhost::vhost_user::message::{
    VhostUserConfigFlags, VhostUserHeaderFlag, VhostUserProtocolFeatures,
};
use vhost::vhost_user::{Frontend, VhostUserFrontend};
use vhost::{VhostBackend, VhostUserMemoryRegionInfo, VringConfigData};
use vm_memory::{Address, GuestMemoryBackend, GuestMemoryRegion};

use super::PROTOCOL_FEATURES;
use super::watch::Watch;
use crate::Memory;
use crate::device::{ActivateError, Activation, ActiveQueue, VirtioDevice, read_config_bytes};
use crate::event::Event;
use crate::queue::features;

/// Feature bits that may pass between driver and backend: those of the device type (virtio 1.3,
/// 2.2), and of the ring those that the queue guard knows.
const PASSED: u64 = 0x00ff_ffff
    | (0xfffc << 48)
    | features::INDIRECT_DESC
    | features::EVENT_IDX
    | features::VERSION_1;

/// Why a backend is not taken on.
#[derive(Debug, thiserror::Error)]
pub enum NewError {
    /// The other process does not speak vhost-user, or is gone.
    #[error("the device's process did not introduce itself")]
    Handshake(#[source] vhost::Error),
    /// It has fewer queues than the device needs.
    #[error("the device's process serves {served} queues, not {wanted}")]
    Queues {
        /// Queues that the backend serves.
        served: u64,
        /// Queues that the device needs.
        wanted: usize,
    },
    /// The host gives no second descriptor for the socket.
    #[error("the socket to the device's process could not be duplicated")]
    Socket(#[source] std::io::Error),
}

/// A running device: its queues, which are the other process's to work on, and the watch on it.
struct Running {
    memory: Arc<Memory>,
    queues: Vec<ActiveQueue>,
    watch: Watch,
}

/// A virtio device that another process serves.
pub struct VhostUser {
    device_type: u32,
    queue_sizes: Vec<u16>,
    features: u64,
    /// What is read where the backend has no configuration of its own.
    config: Vec<u8>,
    frontend: Frontend,
    protocol: VhostUserProtocolFeatures,
    /// Whether the backend speaks protocol features at all.
    gated: bool,
    socket: UnixStream,
    running: Option<Running>,
}

impl VhostUser {
    /// Takes on the backend at the other end of `socket`, which serves a device of type
    /// `device_type` with queues of up to `queue_sizes`. Waits for its answers.
    ///
    /// `config` is the device's configuration space for drivers to read, unless the backend
    /// brings one.
    ///
    /// # Errors
    /// [`NewError`].
    pub fn new(
        device_type: u32,
        queue_sizes: Vec<u16>,
        socket: UnixStream,
        config: Vec<u8>,
    ) -> Result<Self, NewError> {
        let wanted = queue_sizes.len();
        let most = u64::try_from(wanted).unwrap_or(u64::MAX);
        let watched = socket.try_clone().map_err(NewError::Socket)?;
        let mut frontend = Frontend::from_stream(socket, most);
        let offered = frontend.get_features().map_err(NewError::Handshake)?;
        let mut protocol = VhostUserProtocolFeatures::empty();
        let gated = offered & PROTOCOL_FEATURES != 0;
        if gated {
            protocol = negotiate(&mut frontend).map_err(NewError::Handshake)?;
        }
        frontend.set_owner().map_err(NewError::Handshake)?;
        if protocol.contains(VhostUserProtocolFeatures::MQ) {
            let served = frontend.get_queue_num().map_err(NewError::Handshake)?;
            if served < most {
                return Err(NewError::Queues { served, wanted });
            }
        }
        Ok(Self {
            device_type,
            queue_sizes,
            features: offered & PASSED,
            config,
            frontend,
            protocol,
            gated,
            socket: watched,
            running: None,
        })
    }

    /// A descriptor that hangs up (`POLLHUP`) when the device's process is gone, from now on and
    /// whether the device runs or not. It is for polling only, and only for hang-ups: what can
    /// be read from it are answers that this type waits for.
    ///
    /// # Errors
    /// The process has no descriptor left.
    pub fn hangup_fd(&self) -> std::io::Result<OwnedFd> {
        self.socket.try_clone().map(OwnedFd::from)
    }

    fn start(&mut self, activation: &Activation) -> vhost::Result<Event> {
        let frontend = &mut self.frontend;
        let gate = if self.gated { PROTOCOL_FEATURES } else { 0 };
        frontend.set_features((activation.features & self.features) | gate)?;
        frontend.set_mem_table(&regions(&activation.memory)?)?;
        let failed = Event::new().map_err(vhost::Error::IOError)?;
        for active in &activation.queues {
            let index = usize::from(active.index);
            let queue = &active.queue;
            frontend.set_vring_num(index, queue.size())?;
            frontend.set_vring_base(index, queue.next_avail())?;
            let addresses = VringConfigData {
                queue_max_size: queue.max_size(),
                queue_size: queue.size(),
                flags: 0,
                desc_table_addr: queue.desc_table(),
                used_ring_addr: queue.used_ring(),
                avail_ring_addr: queue.avail_ring(),
                log_addr: None,
            };
            frontend.set_vring_addr(index, &addresses)?;
            let call = activation.interrupt.queue_event(active.index);
            let call = call.ok_or(vhost::Error::InvalidOperation)?;
            frontend.set_vring_call(index, call.as_eventfd())?;
            frontend.set_vring_err(index, failed.as_eventfd())?;
            frontend.set_vring_kick(index, active.doorbell.as_eventfd())?;
        }
        if self.gated {
            for active in &activation.queues {
                frontend.set_vring_enable(usize::from(active.index), true)?;
            }
        }
        Ok(failed)
    }

    /// Stops the backend's work on `queues` and notes where it stands.
    fn halt(&mut self, queues: &mut [ActiveQueue], memory: &Memory) -> vhost::Result<()> {
        let frontend = &mut self.frontend;
        if self.gated {
            for active in queues.iter() {
                frontend.set_vring_enable(usize::from(active.index), false)?;
            }
        }
        for active in queues {
            let position = frontend.get_vring_base(usize::from(active.index))?;
            // A position out of range is a broken backend's; nothing good can come of it.
            let position = u16::try_from(position).map_err(|_| vhost::Error::InvalidOperation)?;
            active.queue.set_next_avail(position);
            if let Ok(used) = active.queue.published_used(memory) {
                active.queue.set_next_used(used);
            }
        }
        Ok(())
    }
}

/// Agrees on protocol features, and from then on wants an answer to each message.
fn negotiate(frontend: &mut Frontend) -> vhost::Result<VhostUserProtocolFeatures> {
    let known = VhostUserProtocolFeatures::MQ
        | VhostUserProtocolFeatures::REPLY_ACK
        | VhostUserProtocolFeatures::CONFIG;
    let chosen = frontend.get_protocol_features()? & known;
    frontend.set_protocol_features(chosen)?;
    if chosen.contains(VhostUserProtocolFeatures::REPLY_ACK) {
        frontend.set_hdr_flags(VhostUserHeaderFlag::NEED_REPLY);
    }
    Ok(chosen)
}

fn regions(memory: &Memory) -> vhost::Result<Vec<VhostUserMemoryRegionInfo>> {
    memory
        .iter()
        .map(|region| {
            let file = region.file_offset().ok_or(vhost::Error::InvalidGuestMemoryRegion)?;
            let start = region.start_addr().raw_value();
            Ok(VhostUserMemoryRegionInfo {
                guest_phys_addr: start,
                memory_size: region.len(),
                userspace_addr: start,
                mmap_offset: file.start(),
                mmap_handle: file.file().as_raw_fd(),
            })
        })
        .collect()
}

impl VirtioDevice for VhostUser {
    fn device_type(&self) -> u32 {
        self.device_type
    }

    fn queue_sizes(&self) -> &[u16] {
        &self.queue_sizes
    }

    fn features(&self) -> u64 {
        self.features
    }

    fn read_config(&self, offset: u64, data: &mut [u8]) {
        data.fill(0);
        if self.protocol.contains(VhostUserProtocolFeatures::CONFIG) {
            if let (Ok(offset), Ok(size)) = (u32::try_from(offset), u32::try_from(data.len())) {
                // Another handle of the same connection: asking needs one that is not shared.
                let answer = self.frontend.clone().get_config(
                    offset,
                    size,
                    VhostUserConfigFlags::empty(),
                    data,
                );
                if let Ok((_, answer)) = answer {
                    read_config_bytes(&answer, 0, data);
                }
            }
            return;
        }
        read_config_bytes(&self.config, offset, data);
    }

    fn write_config(&mut self, offset: u64, data: &[u8]) {
        if self.protocol.contains(VhostUserProtocolFeatures::CONFIG) {
            if let Ok(offset) = u32::try_from(offset) {
                let flags = VhostUserConfigFlags::WRITABLE;
                // As with a device of our own: a write that is refused does nothing.
                let _ = self.frontend.set_config(offset, flags, data);
            }
        }
    }

    fn activate(&mut self, activation: Activation) -> Result<(), ActivateError> {
        let interrupt = Arc::clone(&activation.interrupt);
        let started = self
            .start(&activation)
            .map_err(|error| ActivateError::Backend(error.to_string()))
            .and_then(|failed| {
                let watch =
                    self.socket.try_clone().and_then(|it| Watch::start(it, failed, interrupt));
                watch.map_err(ActivateError::Worker)
            });
        let watch = started.inspect_err(|_| {
            // It may have come any way, up to running. Without its socket it goes no further.
            let _ = self.socket.shutdown(std::net::Shutdown::Both);
        })?;
        self.running =
            Some(Running { memory: activation.memory, queues: activation.queues, watch });
        Ok(())
    }

    fn reset(&mut self) -> Vec<ActiveQueue> {
        let Some(running) = self.running.take() else {
            return Vec::new();
        };
        let mut queues = running.queues;
        running.watch.stop();
        if self.halt(&mut queues, &running.memory).is_err() {
            // It does not answer as it should: without its socket it will not go on.
            let _ = self.socket.shutdown(std::net::Shutdown::Both);
        }
        queues
    }
}

#[cfg(test)]
#[path = "frontend_test.rs"]
mod tests;
