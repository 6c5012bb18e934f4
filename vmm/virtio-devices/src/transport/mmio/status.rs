//! The device status field (virtio 1.3, 2.1) and the steps that it may take.

pub(super) const ACKNOWLEDGE: u32 = 1;
pub(super) const DRIVER: u32 = 2;
pub(super) const DRIVER_OK: u32 = 4;
pub(super) const FEATURES_OK: u32 = 8;
pub(super) const NEEDS_RESET: u32 = 64;
pub(super) const FAILED: u32 = 128;

/// The driver's part of the status: every bit but `DEVICE_NEEDS_RESET`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Status(u32);

/// What a write to the status register asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Zero was written.
    Reset,
    /// The new status needs nothing done.
    Take(Status),
    /// The driver wants its features accepted; then the new status holds.
    CheckFeatures(Status),
    /// The driver wants the device to start; the new status holds whether it does or not.
    Start(Status),
    /// The value was there already.
    Stay,
    /// The table has no such step.
    Refuse,
}

impl Status {
    /// Finds the row of the table in the module documentation.
    pub(super) fn step(self, written: u32) -> Step {
        const ROWS: [(u32, u32); 4] = [
            (0, ACKNOWLEDGE),
            (ACKNOWLEDGE, DRIVER),
            (ACKNOWLEDGE | DRIVER, FEATURES_OK),
            (ACKNOWLEDGE | DRIVER | FEATURES_OK, DRIVER_OK),
        ];
        if written == 0 {
            return Step::Reset;
        }
        let written = written & !NEEDS_RESET;
        if written == self.0 {
            return Step::Stay;
        }
        let next = Self(written);
        if self.0 != 0 && !self.has(FAILED) && written == self.0 | FAILED {
            return Step::Take(next);
        }
        let row = ROWS.iter().find(|(now, added)| *now == self.0 && written == now | added);
        match row {
            Some((_, FEATURES_OK)) => Step::CheckFeatures(next),
            Some((_, DRIVER_OK)) => Step::Start(next),
            Some(_) => Step::Take(next),
            None => Step::Refuse,
        }
    }

    pub(super) fn bits(self) -> u32 {
        self.0
    }

    fn has(self, bit: u32) -> bool {
        self.0 & bit != 0
    }

    /// Whether the driver may choose features.
    pub(super) fn takes_features(self) -> bool {
        self.has(DRIVER) && !self.has(FEATURES_OK) && !self.has(FAILED)
    }

    /// Whether the driver may set up queues.
    pub(super) fn takes_queues(self) -> bool {
        self.has(FEATURES_OK) && !self.has(DRIVER_OK) && !self.has(FAILED)
    }

    /// Whether the driver may write configuration space.
    pub(super) fn takes_config(self) -> bool {
        self.has(DRIVER) && !self.has(FAILED)
    }

    /// Whether the driver may notify.
    pub(super) fn takes_notifications(self) -> bool {
        self.has(DRIVER_OK) && !self.has(FAILED)
    }
}
