//! The events between the two processes.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::fs::OFlags;
use rustix::io::FdFlags;

use crate::device::Interrupt;
use crate::event::Event;

/// Takes over a descriptor that the other side made. It may be anything, so it is set not to
/// block: a full pipe must not stop a device's worker.
pub(super) fn event(file: File) -> io::Result<Event> {
    let flags = rustix::fs::fcntl_getfl(&file)?;
    rustix::fs::fcntl_setfl(&file, flags | OFlags::NONBLOCK)?;
    rustix::io::fcntl_setfd(&file, FdFlags::CLOEXEC)?;
    Ok(OwnedFd::from(file).into())
}

/// The events of one queue towards the monitor.
#[derive(Default)]
struct Line {
    call: Option<Event>,
    err: Option<Event>,
}

/// The way to the driver: each queue's call event, which the monitor has bound to an interrupt,
/// and its error event. The monitor may exchange them while the device runs.
pub(super) struct Lines(Mutex<Vec<Line>>);

impl Lines {
    /// For `count` queues.
    pub(super) fn new(count: usize) -> Self {
        Self(Mutex::new((0..count).map(|_| Line::default()).collect()))
    }

    /// Sets queue `index`'s call event, and raises it: a call through the old one may not have
    /// been seen, and a driver can live with one interrupt too many.
    pub(super) fn set_call(&self, index: u8, call: Option<Event>) {
        if let Some(line) = self.lock().get_mut(usize::from(index)) {
            line.call = call;
            raise(line.call.as_ref());
        }
    }

    /// Sets queue `index`'s error event.
    pub(super) fn set_err(&self, index: u8, err: Option<Event>) {
        if let Some(line) = self.lock().get_mut(usize::from(index)) {
            line.err = err;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Line>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Nothing can be done about an event that cannot be raised: one whose counter is full is raised
/// already.
fn raise(event: Option<&Event>) {
    if let Some(event) = event {
        let _ = event.signal();
    }
}

impl Interrupt for Lines {
    fn queue(&self, index: u16) {
        raise(self.lock().get(usize::from(index)).and_then(|line| line.call.as_ref()));
    }

    /// Would need a second channel, from backend to frontend; no device of ours changes its
    /// configuration.
    fn config(&self) {}

    fn needs_reset(&self) {
        for line in self.lock().iter() {
            raise(line.err.as_ref());
        }
    }

    fn queue_event(&self, index: u16) -> Option<Event> {
        let lines = self.lock();
        let call = lines.get(usize::from(index))?.call.as_ref()?;
        call.try_clone().ok()
    }
}
