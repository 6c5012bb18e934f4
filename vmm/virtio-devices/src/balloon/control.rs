//! The balloon's configuration space (virtio 1.3, 5.5.4), shared with whoever steers it.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::device::Interrupt;

/// What device, worker and control have in common.
#[derive(Default)]
pub(super) struct Shared {
    /// Pages that the driver should give.
    target: AtomicU32,
    /// Pages that the driver says it gave.
    actual: AtomicU32,
    /// Bytes freed since the device was made.
    freed: AtomicU64,
    interrupt: Mutex<Option<Arc<dyn Interrupt>>>,
}

impl Shared {
    /// `num_pages` and `actual`; the rest belongs to features that are not offered.
    pub(super) fn config(&self) -> [u8; 8] {
        let mut config = [0; 8];
        let (target, actual) = config.split_at_mut(4);
        target.copy_from_slice(&self.target.load(Ordering::SeqCst).to_le_bytes());
        actual.copy_from_slice(&self.actual.load(Ordering::SeqCst).to_le_bytes());
        config
    }

    /// Takes bytes of `actual`; `num_pages` is not the driver's to write.
    pub(super) fn write_config(&self, offset: u64, data: &[u8]) {
        let mut actual = self.actual.load(Ordering::SeqCst).to_le_bytes();
        for (at, byte) in (0_u64..).zip(data) {
            let place = offset.checked_add(at).and_then(|at| at.checked_sub(4));
            let place = place.and_then(|place| usize::try_from(place).ok());
            if let Some(place) = place.and_then(|place| actual.get_mut(place)) {
                *place = *byte;
            }
        }
        self.actual.store(u32::from_le_bytes(actual), Ordering::SeqCst);
    }

    pub(super) fn attach(&self, interrupt: Option<Arc<dyn Interrupt>>) {
        let mut place = self.interrupt.lock().unwrap_or_else(PoisonError::into_inner);
        *place = interrupt;
    }

    /// A reset driver has all its pages again (5.5.5).
    pub(super) fn forget_actual(&self) {
        self.actual.store(0, Ordering::SeqCst);
    }

    pub(super) fn count_freed(&self, bytes: u64) {
        self.freed.fetch_add(bytes, Ordering::SeqCst);
    }
}

/// Steers a balloon from any thread.
#[derive(Clone)]
pub struct Control {
    shared: Arc<Shared>,
}

impl Control {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Asks the guest to give up `pages` pages of 4 KiB in all; zero lets it have everything.
    /// The guest follows as well as it can, or not at all.
    pub fn set_target(&self, pages: u32) {
        self.shared.target.store(pages, Ordering::SeqCst);
        let interrupt = self.shared.interrupt.lock();
        let interrupt = interrupt.unwrap_or_else(PoisonError::into_inner);
        if let Some(interrupt) = &*interrupt {
            interrupt.config();
        }
    }

    /// Pages of 4 KiB that the guest says it has given up. It may say anything.
    #[must_use]
    pub fn actual(&self) -> u32 {
        self.shared.actual.load(Ordering::SeqCst)
    }

    /// Bytes given back to the host so far. The guest may have taken them again since.
    #[must_use]
    pub fn freed(&self) -> u64 {
        self.shared.freed.load(Ordering::SeqCst)
    }
}
