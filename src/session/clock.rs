//! Tells the guest the time when the host's clock and its own can have parted.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The guest is told this often even if nothing seems wrong.
const EVERY: Duration = Duration::from_secs(60);
/// A step of the wall clock against the monotonic one that counts as a jump: a sleep, in which the
/// monotonic clock stands still (`CLOCK_MONOTONIC` on Linux, `CLOCK_UPTIME_RAW` on macOS), or
/// somebody setting the time.
const JUMP: Duration = Duration::from_millis(500);

/// Nanoseconds since 1970-01-01 UTC, now; 0 before that date.
pub fn unix_nanos() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|since| u64::try_from(since.as_nanos()).ok())
        .unwrap_or(0)
}

/// Watches for the moments when the guest has to be told.
#[derive(Debug)]
pub struct Watch {
    told: Instant,
    seen: Instant,
    wall: SystemTime,
}

impl Watch {
    /// The guest has just been told.
    pub fn new() -> Self {
        let now = Instant::now();
        Self { told: now, seen: now, wall: SystemTime::now() }
    }

    /// True if the guest has to be told now.
    pub fn due(&mut self) -> bool {
        self.due_at(Instant::now(), SystemTime::now())
    }

    fn due_at(&mut self, now: Instant, wall: SystemTime) -> bool {
        let passed = now.saturating_duration_since(self.seen);
        let expected = self.wall + passed;
        let step = match wall.duration_since(expected) {
            Ok(ahead) => ahead,
            Err(behind) => behind.duration(),
        };
        (self.seen, self.wall) = (now, wall);
        let due = step > JUMP || now.saturating_duration_since(self.told) >= EVERY;
        if due {
            self.told = now;
        }
        due
    }
}

#[cfg(test)]
#[path = "clock_test.rs"]
mod tests;
