//! The window's interrupt: an edge, and a status that says why (virtio 1.3, 4.2.2).

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use crate::device::Interrupt;
use crate::event::Event;

/// Bit 0 of the interrupt status: used buffers.
const USED_BUFFER: u32 = 1;
/// Bit 1 of the interrupt status: the configuration changed.
const CONFIG_CHANGE: u32 = 2;

/// What raises a window's interrupt line.
pub trait IrqTrigger: Send + Sync + 'static {
    /// Raises the line once, as an edge.
    fn trigger(&self);

    /// An event that raises the line when another process writes it, if there is one.
    fn event(&self) -> Option<Event> {
        None
    }
}

/// An event that a hypervisor listens to: an irqfd.
impl IrqTrigger for Event {
    fn trigger(&self) {
        // Fails only when the line has been raised 2^64 - 2 times without being taken.
        let _ = self.signal();
    }

    fn event(&self) -> Option<Event> {
        self.try_clone().ok()
    }
}

impl IrqTrigger for Box<dyn IrqTrigger> {
    fn trigger(&self) {
        (**self).trigger();
    }

    fn event(&self) -> Option<Event> {
        (**self).event()
    }
}

/// The device's side of the interrupt registers, shared with its thread.
pub(super) struct MmioInterrupt {
    irq: Box<dyn IrqTrigger>,
    /// Causes that the driver has not acknowledged.
    status: AtomicU32,
    /// Another process raises the line itself and cannot set a bit in `status`.
    ///
    /// From then on bit 0 reads as one. A driver that looks for used buffers and finds none has
    /// lost nothing; one that does not look loses a request.
    external: AtomicBool,
    broken: AtomicBool,
    generation: AtomicU32,
}

impl MmioInterrupt {
    pub(super) fn new(irq: Box<dyn IrqTrigger>) -> Self {
        Self {
            irq,
            status: AtomicU32::new(0),
            external: AtomicBool::new(false),
            broken: AtomicBool::new(false),
            generation: AtomicU32::new(0),
        }
    }

    /// Forgets everything but the generation. The device has been stopped.
    pub(super) fn reset(&self) {
        self.status.store(0, Ordering::SeqCst);
        self.external.store(false, Ordering::SeqCst);
        self.broken.store(false, Ordering::SeqCst);
    }

    pub(super) fn status(&self) -> u32 {
        let external = u32::from(self.external.load(Ordering::SeqCst));
        self.status.load(Ordering::SeqCst) | (external * USED_BUFFER)
    }

    pub(super) fn acknowledge(&self, causes: u32) {
        self.status.fetch_and(!causes, Ordering::SeqCst);
    }

    pub(super) fn is_broken(&self) -> bool {
        self.broken.load(Ordering::SeqCst)
    }

    pub(super) fn generation(&self) -> u32 {
        self.generation.load(Ordering::SeqCst)
    }

    /// Counts a change of configuration space that was seen from outside.
    pub(super) fn next_generation(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
    }

    fn raise(&self, cause: u32) {
        self.status.fetch_or(cause, Ordering::SeqCst);
        self.irq.trigger();
    }
}

impl Interrupt for MmioInterrupt {
    fn queue(&self, _index: u16) {
        self.raise(USED_BUFFER);
    }

    fn config(&self) {
        self.next_generation();
        self.raise(CONFIG_CHANGE);
    }

    /// The driver learns of it through a configuration change (virtio 1.3, 2.1.2).
    fn needs_reset(&self) {
        if !self.broken.swap(true, Ordering::SeqCst) {
            self.raise(CONFIG_CHANGE);
        }
    }

    fn queue_event(&self, _index: u16) -> Option<Event> {
        let event = self.irq.event()?;
        self.external.store(true, Ordering::SeqCst);
        Some(event)
    }
}
