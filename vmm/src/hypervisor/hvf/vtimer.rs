//! The virtual timer.
//!
//! With its own interrupt controller the framework delivers the timer's interrupt itself, and
//! this is for the case that it stops the guest nevertheless (`VTIMER_ACTIVATED`): it has masked
//! the timer then, so that it does not stop it again at once.
//!
//! ```text
//!              VTIMER_ACTIVATED: make interrupt 27 pending
//!  ┌──────────┐ ─────────────────────────────────────────► ┌────────┐
//!  │ unmasked │                                            │ masked │
//!  └──────────┘ ◄───────────────────────────────────────── └────────┘
//!        before an entry: the guest has disabled, masked or moved its timer
//! ```

/// The virtual timer's interrupt, private to each vCPU.
pub const INTERRUPT: u32 = 27;

const ENABLE: u64 = 1;
const IMASK: u64 = 2;
const ISTATUS: u64 = 4;

/// Whether the framework's mask is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VTimer {
    masked: bool,
}

impl VTimer {
    /// The guest was stopped because its timer fired. Its interrupt is to be made pending.
    pub fn activated(&mut self) {
        self.masked = true;
    }

    /// Whether the mask is to be looked after before an entry.
    #[must_use]
    pub fn is_masked(self) -> bool {
        self.masked
    }

    /// Before an entry, with the guest's `CNTV_CTL_EL0`: whether to take the mask away.
    pub fn unmask(&mut self, control: u64) -> bool {
        let fires = control & (ENABLE | IMASK | ISTATUS) == ENABLE | ISTATUS;
        let unmask = self.masked && !fires;
        self.masked &= fires;
        unmask
    }
}

/// Ticks until the timer fires: `None` if it is off, 0 if it does now. With the guest's
/// `CNTV_CTL_EL0` and `CNTV_CVAL_EL0`, and its virtual counter.
#[must_use]
pub fn ticks_left(control: u64, compare: u64, counter: u64) -> Option<u64> {
    (control & (ENABLE | IMASK) == ENABLE).then(|| compare.saturating_sub(counter))
}

#[cfg(test)]
#[path = "vtimer_test.rs"]
mod tests;
