//! The backend's state: what the messages did to the device.
//!
//! ```text
//!            each queue with a kick event is enabled
//!   idle ────────────────────────────────────────────▶ running
//!     ▲                                                   │
//!     └── GET_VRING_BASE, SET_VRING_ENABLE 0, RESET_* ────┤
//!     ┌── SET_MEM_TABLE, another queue's kick ────────────┘
//!     └─▶ stopped and started again at the same positions
//! ```
//!
//! A queue takes part from its SET_VRING_KICK to its GET_VRING_BASE. The device is started when
//! all that take part are enabled; one that says a queue is missing waits for the next. Not each
//! queue needs to come: QEMU keeps the event queue of a vsock device to itself.

use std::fs::File;
use std::io;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError};

use vhost::vhost_user::message::VhostUserMemoryRegion;
use vhost::vhost_user::{BackendReqHandler, Error as VhostError};

use super::lines::{self, Lines};
use super::memory::Table;
use super::ring::{Addresses, Ring};
use super::{Error, PROTOCOL_FEATURES};
use crate::device::{ActivateError, Activation, ActiveQueue, Interrupt, VirtioDevice};
use crate::queue::features;

/// Queue sizes up to this one are taken, whatever the device would offer: QEMU lets the driver
/// of a virtio-mmio device choose a size up to its own limit, and the backend is not asked.
const MAX_SIZE: u16 = 1024;

/// Serves `device` to the monitor at the other end of `socket`, until that end is closed.
///
/// Nothing of the device runs any more when this returns.
///
/// # Errors
/// The monitor broke the protocol, or the device could not start. A driver that breaks its own
/// queues is no error here: the monitor is told through the queues' error events.
pub fn serve(device: &mut dyn VirtioDevice, socket: UnixStream) -> Result<(), Error> {
    let backend = Arc::new(Mutex::new(Backend::new(device)));
    let mut handler = BackendReqHandler::from_stream(socket, Arc::clone(&backend));
    let result = loop {
        if let Err(error) = handler.handle_request() {
            break ended(error);
        }
    };
    let mut backend = backend.lock().unwrap_or_else(PoisonError::into_inner);
    backend.stop();
    match backend.failure.take() {
        Some(failure) => Err(failure),
        None => result,
    }
}

/// Tells a closed socket from a broken protocol.
fn ended(error: VhostError) -> Result<(), Error> {
    match error {
        VhostError::Disconnected | VhostError::SocketBroken(_) => Ok(()),
        error => Err(Error::Protocol(error)),
    }
}

/// See the module's documentation.
pub(super) struct Backend<'d> {
    pub(super) device: &'d mut dyn VirtioDevice,
    rings: Vec<Ring>,
    features: u64,
    table: Option<Table>,
    lines: Arc<Lines>,
    running: bool,
    /// What the last refused message was refused for.
    pub(super) failure: Option<Error>,
}

impl<'d> Backend<'d> {
    fn new(device: &'d mut dyn VirtioDevice) -> Self {
        let rings: Vec<Ring> =
            device.queue_sizes().iter().map(|size| Ring::new(MAX_SIZE.max(*size))).collect();
        Self {
            lines: Arc::new(Lines::new(rings.len())),
            device,
            rings,
            features: 0,
            table: None,
            running: false,
            failure: None,
        }
    }

    /// How many queues the device has.
    pub(super) fn queue_count(&self) -> usize {
        self.rings.len()
    }

    /// What is offered to the monitor.
    pub(super) fn offered(&self) -> u64 {
        self.device.features() | PROTOCOL_FEATURES
    }

    pub(super) fn choose(&mut self, features: u64) -> Result<(), Error> {
        let unknown = features & !self.offered();
        if unknown != 0 || (self.running && features != self.features) {
            return Err(Error::Features(features));
        }
        self.features = features;
        Ok(())
    }

    pub(super) fn set_memory(
        &mut self,
        regions: &[VhostUserMemoryRegion],
        files: Vec<File>,
    ) -> Result<(), Error> {
        let was_running = self.running;
        self.stop();
        // The old table goes first: both may not fit side by side.
        self.table = None;
        self.table = Some(Table::map(regions, files)?);
        if was_running {
            self.start()?;
        }
        Ok(())
    }

    pub(super) fn set_size(&mut self, index: u32, size: u32) -> Result<(), Error> {
        let ring = self.ring(index)?;
        let what = "size";
        let value = size;
        ring.size = u16::try_from(size)
            .ok()
            .filter(|size| size.is_power_of_two() && *size <= ring.max_size)
            .ok_or(Error::Range { index, what, value })?;
        Ok(())
    }

    pub(super) fn set_addresses(&mut self, index: u32, addresses: Addresses) -> Result<(), Error> {
        self.ring(index)?.addresses = Some(addresses);
        Ok(())
    }

    pub(super) fn set_base(&mut self, index: u32, base: u32) -> Result<(), Error> {
        let ring = self.ring(index)?;
        let what = "position";
        let value = base;
        ring.base = u16::try_from(base).map_err(|_| Error::Range { index, what, value })?;
        Ok(())
    }

    /// Stops the device; queue `index` takes part no more. Returns its position.
    pub(super) fn take_base(&mut self, index: u32) -> Result<u16, Error> {
        self.ring(index)?;
        self.stop();
        let ring = self.ring(index)?;
        ring.kick = None;
        Ok(ring.base)
    }

    pub(super) fn set_kick(&mut self, index: u8, file: Option<File>) -> Result<(), Error> {
        self.ring(u32::from(index))?;
        let event = lines::event(file.ok_or(Error::NoKick(index))?).map_err(Error::Event)?;
        self.stop();
        self.ring(u32::from(index))?.kick = Some(event);
        self.start()
    }

    pub(super) fn set_call(&mut self, index: u8, file: Option<File>) -> Result<(), Error> {
        self.ring(u32::from(index))?;
        let event = file.map(lines::event).transpose().map_err(Error::Event)?;
        self.lines.set_call(index, event);
        Ok(())
    }

    pub(super) fn set_err(&mut self, index: u8, file: Option<File>) -> Result<(), Error> {
        self.ring(u32::from(index))?;
        let event = file.map(lines::event).transpose().map_err(Error::Event)?;
        self.lines.set_err(index, event);
        Ok(())
    }

    pub(super) fn enable(&mut self, index: u32, enabled: bool) -> Result<(), Error> {
        let ring = self.ring(index)?;
        if ring.enabled == enabled {
            return Ok(());
        }
        ring.enabled = enabled;
        if enabled {
            if self.running {
                self.stop();
            }
            return self.start();
        }
        self.stop();
        Ok(())
    }

    /// Back to the state of a fresh connection, but for memory and features.
    pub(super) fn reset(&mut self) {
        self.stop();
        for ring in &mut self.rings {
            *ring = Ring::new(ring.max_size);
        }
    }

    fn ring(&mut self, index: u32) -> Result<&mut Ring, Error> {
        usize::try_from(index)
            .ok()
            .and_then(|at| self.rings.get_mut(at))
            .ok_or(Error::NoSuchQueue(index))
    }

    /// Starts the device if each queue that takes part is enabled.
    fn start(&mut self) -> Result<(), Error> {
        let Some(table) = &self.table else {
            return Ok(());
        };
        let gated = self.features & PROTOCOL_FEATURES != 0;
        let mut queues = Vec::new();
        for (index, ring) in (0_u16..).zip(&self.rings) {
            let Some(kick) = &ring.kick else {
                continue;
            };
            if gated && !ring.enabled {
                return Ok(());
            }
            let Ok(queue) = ring.queue(table, self.features) else {
                // The driver's fault: the monitor is told, and may reset the device.
                self.lines.needs_reset();
                return Ok(());
            };
            queues.push(ActiveQueue {
                index,
                queue,
                doorbell: kick.try_clone().map_err(Error::Event)?,
            });
        }
        if queues.is_empty() {
            return Ok(());
        }
        if self.features & features::VERSION_1 == 0 {
            self.lines.needs_reset();
            return Ok(());
        }
        let activation = Activation {
            memory: Arc::clone(table.memory()),
            features: self.features & !PROTOCOL_FEATURES,
            interrupt: Arc::clone(&self.lines) as Arc<dyn Interrupt>,
            queues,
        };
        match self.device.activate(activation) {
            Ok(()) => self.running = true,
            Err(ActivateError::MissingQueue(_)) => {}
            Err(error) => return Err(Error::Activate(error)),
        }
        Ok(())
    }

    /// Stops the device and notes where its queues stand.
    fn stop(&mut self) {
        if !self.running {
            return;
        }
        self.running = false;
        for active in self.device.reset() {
            if let Some(ring) = self.rings.get_mut(usize::from(active.index)) {
                ring.base = active.queue.next_avail();
            }
        }
    }
}

impl Drop for Backend<'_> {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Wraps a refusal so that the message loop ends; the reason itself is kept aside.
pub(super) fn refused() -> VhostError {
    VhostError::ReqHandlerError(io::Error::other("refused"))
}

#[cfg(test)]
#[path = "backend_test.rs"]
mod tests;
