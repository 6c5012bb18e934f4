//! The phases between the Enter key and the command.

use std::time::{Duration, Instant};

use serde::Serialize;

/// How long each phase took, in milliseconds; absent if the run did not get that far.
///
/// ```text
///  start ─spec─▶ decided ─model─▶ served ─processes─▶ up ─entry─▶ first vCPU entry ─kernel─▶ PID 1
///        ─agent─▶ guest ready ─command─▶ command started ─run─▶ command ended ─end─▶ nothing left
/// ```
#[derive(Debug, Default, Clone, Copy, PartialEq, Serialize)]
pub struct Phases {
    /// Arguments, policy, image.
    pub spec: Option<f64>,
    /// Until the model was loaded, for a guest that has one.
    pub model: Option<f64>,
    /// Our processes started and confined.
    pub processes: Option<f64>,
    /// From there to the first instruction of the guest; only our own VMM can tell.
    pub entry: Option<f64>,
    /// Kernel, to the agent's first instruction.
    pub kernel: Option<f64>,
    /// Agent: root, mounts, user, network.
    pub agent: Option<f64>,
    /// Until the command runs.
    pub command: Option<f64>,
    /// The command itself.
    pub run: Option<f64>,
    /// Flush and tear-down.
    pub end: Option<f64>,
    /// All of it.
    pub total: Option<f64>,
}

/// Moments of one run on the host's monotonic clock.
#[derive(Debug, Clone, Copy)]
pub struct Moments {
    start: Instant,
    /// Everything is decided.
    pub decided: Option<Instant>,
    /// The model is loaded.
    pub served: Option<Instant>,
    /// All processes are confined and ready.
    pub up: Option<Instant>,
    /// The first vCPU entered the guest.
    pub entry: Option<Instant>,
    /// The agent reported ready, and how long it had been running.
    pub ready: Option<(Instant, Duration)>,
    /// The command started.
    pub started: Option<Instant>,
    /// The command's end was reported.
    pub ended: Option<Instant>,
    /// Every process of ours is gone.
    pub gone: Option<Instant>,
}

impl Moments {
    /// Begins now, or when the process began.
    pub fn since(start: Instant) -> Self {
        Self {
            start,
            decided: None,
            served: None,
            up: None,
            entry: None,
            ready: None,
            started: None,
            ended: None,
            gone: None,
        }
    }

    /// Notes that the command started, unless it did so before; says which.
    pub fn start(&mut self, at: Instant) -> bool {
        let first = self.started.is_none();
        self.started.get_or_insert(at);
        first
    }

    /// The phases between the moments that came.
    pub fn phases(&self) -> Phases {
        let ready = self.ready.map(|(at, _)| at);
        // The agent's own clock says how long it took; the rest of the wait was the kernel.
        let pid1 = self.ready.and_then(|(at, ran)| at.checked_sub(ran));
        let between = |from: Option<Instant>, to: Option<Instant>| match (from, to) {
            (Some(from), Some(to)) => Some(to.saturating_duration_since(from).as_secs_f64() * 1e3),
            _ => None,
        };
        Phases {
            spec: between(Some(self.start), self.decided),
            model: between(self.decided, self.served),
            processes: between(self.served.or(self.decided), self.up),
            entry: between(self.up, self.entry),
            kernel: between(self.entry.or(self.up), pid1),
            agent: between(pid1, ready),
            command: between(ready, self.started),
            run: between(self.started, self.ended),
            end: between(self.ended, self.gone),
            total: between(Some(self.start), self.gone),
        }
    }
}

impl std::fmt::Display for Phases {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let rows = [
            ("spec", self.spec),
            ("model", self.model),
            ("processes up", self.processes),
            ("first vCPU entry", self.entry),
            ("kernel", self.kernel),
            ("agent", self.agent),
            ("command start", self.command),
            ("command", self.run),
            ("end", self.end),
            ("total", self.total),
        ];
        for (name, time) in rows {
            match time {
                Some(ms) => writeln!(f, "{name:<18}{ms:>10.1} ms")?,
                None => writeln!(f, "{name:<18}{:>10}", "-")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "timing_test.rs"]
mod tests;
