//! Starting and stopping the device.

use std::io;

use super::MmioTransport;
use super::refusal::Refusal;
use super::registers as reg;
use super::status::{Status, Step};
use crate::device::{ActivateError, Activation, ActiveQueue, Interrupt};
use crate::queue::{QueueError, features};

/// Why a device did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A queue does not hold.
    #[error("the driver set up queue {index} wrongly")]
    Queue {
        /// Which queue.
        index: u16,
        /// What is wrong.
        #[source]
        source: QueueError,
    },
    /// The host gave no event.
    #[error("no event for a doorbell")]
    Doorbell(#[source] io::Error),
    /// The device refuses.
    #[error("the device did not start")]
    Device(#[source] ActivateError),
}

impl MmioTransport {
    pub(super) fn write_status(&mut self, value: u32) {
        match self.status.step(value) {
            Step::Reset => self.reset(),
            Step::Take(status) => self.status = status,
            Step::CheckFeatures(status) if self.features_hold() => self.status = status,
            Step::CheckFeatures(_) => {
                self.refuse(Refusal::Features { accepted: self.driver_features })
            }
            Step::Start(status) => self.start_in(status),
            Step::Stay => {}
            Step::Refuse => self.refuse(Refusal::Value { offset: reg::STATUS, value }),
        }
    }

    /// Stops the device, and only then forgets what the driver set up: the device's thread has
    /// ended before its queues, its interrupt or its status change.
    pub(super) fn reset(&mut self) {
        drop(self.device.reset());
        self.interrupt.reset();
        self.status = Status::default();
        self.features_select = 0;
        self.driver_features_select = 0;
        self.driver_features = 0;
        self.queue_select = 0;
        self.failure = None;
        for queue in &mut self.queues {
            queue.reset();
        }
    }

    /// Whether the driver chose from what is offered, and the one interface there is.
    fn features_hold(&self) -> bool {
        let offered = u128::from(self.device.features());
        let accepted = self.driver_features;
        accepted & !offered == 0 && accepted & u128::from(features::VERSION_1) != 0
    }

    fn start_in(&mut self, status: Status) {
        self.status = status;
        if let Err(error) = self.start() {
            self.failure = Some(error);
            self.interrupt.needs_reset();
        }
    }

    fn start(&mut self) -> Result<(), StartError> {
        let accepted = u64::try_from(self.driver_features).unwrap_or(0);
        let features = accepted & self.device.features();
        let mut queues = Vec::new();
        for ((index, setup), doorbell) in (0_u16..).zip(&self.queues).zip(&self.doorbells) {
            if !setup.ready {
                continue;
            }
            let queue = setup.build(features);
            queue.validate(&self.memory).map_err(|source| StartError::Queue { index, source })?;
            let doorbell = doorbell.try_clone().map_err(StartError::Doorbell)?;
            queues.push(ActiveQueue { index, queue, doorbell });
        }
        self.device
            .activate(Activation {
                memory: self.memory.clone(),
                features,
                interrupt: self.interrupt.clone(),
                queues,
            })
            .map_err(StartError::Device)?;
        // A notification from before nobody listened is not lost.
        for (setup, doorbell) in self.queues.iter().zip(&self.doorbells) {
            if setup.ready {
                doorbell.signal().map_err(StartError::Doorbell)?;
            }
        }
        Ok(())
    }
}
