//! The virtio-mmio transport (virtio 1.3, 4.2): a window of registers in front of one device.
//!
//! The driver brings the device up by adding one status bit after the other. Anything that is
//! not in this table leaves the status as it is:
//!
//! | status now                      | value written        | what happens                        | status then            |
//! |---------------------------------|----------------------|-------------------------------------|------------------------|
//! | 0                               | + `ACKNOWLEDGE`      |                                     | as written             |
//! | `ACKNOWLEDGE`                   | + `DRIVER`           | features may be chosen from here on | as written             |
//! | … `DRIVER`                      | + `FEATURES_OK`      | features are checked, then fixed; queues may be set up | as written, or unchanged when the features do not do |
//! | … `FEATURES_OK`                 | + `DRIVER_OK`        | queues are checked, then fixed; the device starts | as written, + `DEVICE_NEEDS_RESET` when it cannot |
//! | any but 0                       | now + `FAILED`       | nothing but a reset is taken any more | as written           |
//! | any                             | 0                    | the device is stopped and everything forgotten | 0           |
//!
//! `DEVICE_NEEDS_RESET` belongs to the device; what the driver writes there is not looked at.
//!
//! Queue registers take writes only between `FEATURES_OK` and `DRIVER_OK`: a running device has
//! its own copy of what was checked, and no register leads there.

mod access;
mod interrupt;
mod lifecycle;
mod queues;
mod refusal;
mod registers;
mod status;

use std::io;
use std::sync::Arc;

pub use interrupt::IrqTrigger;
pub use lifecycle::StartError;
pub use refusal::Refusal;
pub use registers::{QUEUE_NOTIFY, WINDOW_SIZE};

use crate::Memory;
use crate::device::VirtioDevice;
use crate::event::Event;
use interrupt::MmioInterrupt;
use queues::QueueSetup;
use status::Status;

/// One device behind a window of [`WINDOW_SIZE`] bytes.
pub struct MmioTransport {
    device: Box<dyn VirtioDevice>,
    memory: Arc<Memory>,
    interrupt: Arc<MmioInterrupt>,
    doorbells: Vec<Event>,
    status: Status,
    features_select: u32,
    driver_features_select: u32,
    /// What the driver accepted, offered or not; looked at when it says `FEATURES_OK`.
    driver_features: u128,
    queue_select: u32,
    queues: Vec<QueueSetup>,
    /// Configuration space when its generation was last asked for.
    config_seen: [u8; registers::CONFIG_SNAPSHOT],
    failure: Option<StartError>,
    refusal: Option<Refusal>,
}

impl MmioTransport {
    /// Puts a window in front of `device`, which is idle. `irq` raises the window's interrupt
    /// line, an edge each time; an eventfd that the hypervisor made an irqfd does.
    ///
    /// # Errors
    /// The host gives no events for the doorbells.
    pub fn new(
        device: Box<dyn VirtioDevice>,
        memory: Arc<Memory>,
        irq: impl IrqTrigger,
    ) -> io::Result<Self> {
        let sizes = device.queue_sizes();
        Ok(Self {
            doorbells: sizes.iter().map(|_| Event::new()).collect::<io::Result<_>>()?,
            queues: sizes.iter().map(|size| QueueSetup::new(*size)).collect(),
            device,
            memory,
            interrupt: Arc::new(MmioInterrupt::new(Box::new(irq))),
            status: Status::default(),
            features_select: 0,
            driver_features_select: 0,
            driver_features: 0,
            queue_select: 0,
            config_seen: [0; registers::CONFIG_SNAPSHOT],
            failure: None,
            refusal: None,
        })
    }

    /// Device type (virtio 1.3, section 5).
    #[must_use]
    pub fn device_type(&self) -> u32 {
        self.device.device_type()
    }

    /// One doorbell for each queue. The hypervisor rings it when the driver writes the queue's
    /// index, 4 bytes, to [`QUEUE_NOTIFY`]; such a write that comes to [`MmioTransport::write`]
    /// rings it, too.
    #[must_use]
    pub fn doorbells(&self) -> &[Event] {
        &self.doorbells
    }

    /// Whether the device met something that only a reset by the driver can end.
    #[must_use]
    pub fn needs_reset(&self) -> bool {
        self.interrupt.is_broken()
    }

    /// Why the device did not start when the driver last said `DRIVER_OK`; taken, not repeated.
    pub fn take_failure(&mut self) -> Option<StartError> {
        self.failure.take()
    }

    /// The first access that had no effect since the transport was made: what a log says once.
    #[must_use]
    pub fn first_refusal(&self) -> Option<Refusal> {
        self.refusal
    }

    /// Stops the device, as a reset by the driver does: nothing of it touches guest memory
    /// when this returns.
    pub fn stop(&mut self) {
        self.reset();
    }

    fn refuse(&mut self, refusal: Refusal) {
        self.refusal.get_or_insert(refusal);
    }
}

#[cfg(test)]
#[path = "mmio_test.rs"]
mod tests;
