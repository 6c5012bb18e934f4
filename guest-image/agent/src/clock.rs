//! The guest's clocks. There need be no RTC: the host says what time it is.

use rustix::time::{ClockId, Timespec, clock_gettime, clock_settime};

use crate::log;

/// A smaller error is left alone, because every step disturbs somebody.
const TOLERANCE_NANOS: u64 = 100_000_000;

/// `CLOCK_MONOTONIC` in nanoseconds.
pub fn monotonic_nanos() -> u64 {
    nanos(clock_gettime(ClockId::Monotonic))
}

/// Sets the wall clock to `unix_nanos` if it is wrong by more than a tenth of a second.
pub fn correct(unix_nanos: u64) {
    if !is_wrong(nanos(clock_gettime(ClockId::Realtime)), unix_nanos) {
        return;
    }
    let (Ok(tv_sec), Ok(tv_nsec)) =
        ((unix_nanos / 1_000_000_000).try_into(), (unix_nanos % 1_000_000_000).try_into())
    else {
        return;
    };
    if let Err(error) = clock_settime(ClockId::Realtime, Timespec { tv_sec, tv_nsec }) {
        log::warn(format_args!("cannot set the clock: {error}"));
    }
}

/// Whether a clock that shows `shown` has to be set to `right`.
fn is_wrong(shown: u64, right: u64) -> bool {
    shown.abs_diff(right) > TOLERANCE_NANOS
}

/// Nanoseconds since the clock's beginning; 0 for a time before it.
fn nanos(time: Timespec) -> u64 {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(u64::try_from(time.tv_nsec).unwrap_or(0))
}

#[cfg(test)]
#[path = "clock_test.rs"]
mod tests;
