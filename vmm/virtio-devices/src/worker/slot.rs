//! A device's handler, in the device or on its thread.

use std::io;

use super::{Handler, Worker};
use crate::device::{ActivateError, Activation, ActiveQueue};

/// Where a device keeps its handler: here while idle, on the worker while running.
pub struct Slot<H>(State<H>);

enum State<H> {
    Idle(H),
    Running(Worker<H>),
    /// The thread could not be started, or panicked.
    Lost,
}

impl<H: Handler> Slot<H> {
    /// Holds an idle handler.
    pub fn new(handler: H) -> Self {
        Self(State::Idle(handler))
    }

    /// The handler, while it is idle.
    pub fn idle(&mut self) -> Option<&mut H> {
        match &mut self.0 {
            State::Idle(handler) => Some(handler),
            _ => None,
        }
    }

    /// Moves the handler and the queues to a thread called `name`.
    ///
    /// # Errors
    /// [`ActivateError::Worker`] when the host gives no thread, the handler was lost that way
    /// before, or the device runs already.
    pub fn start(&mut self, name: &str, activation: Activation) -> Result<(), ActivateError> {
        let handler = match std::mem::replace(&mut self.0, State::Lost) {
            State::Idle(handler) => handler,
            other => {
                self.0 = other;
                let lost = io::Error::other("the device runs already, or its handler is lost");
                return Err(ActivateError::Worker(lost));
            }
        };
        let worker = Worker::spawn(name, handler, activation).map_err(ActivateError::Worker)?;
        self.0 = State::Running(worker);
        Ok(())
    }

    /// Stops and joins the thread, if it runs, and gives the queues back.
    pub fn stop(&mut self) -> Vec<ActiveQueue> {
        let worker = match std::mem::replace(&mut self.0, State::Lost) {
            State::Running(worker) => worker,
            other => {
                self.0 = other;
                return Vec::new();
            }
        };
        let Some(stopped) = worker.stop() else {
            return Vec::new();
        };
        self.0 = State::Idle(stopped.handler);
        stopped.queues
    }
}

#[cfg(test)]
#[path = "slot_test.rs"]
mod tests;
