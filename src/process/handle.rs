//! A process that was started.

use std::{
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, poll},
    time::Timespec,
};

use super::{Error, MachineEnd, Status, sys::Watch, words::Words};

/// How long the end of a killed process is waited for. It is at once, unless a system call on a
/// dead network file system holds it.
const END: Duration = Duration::from_secs(5);

/// A process that was started. Dropping it kills it and waits for its end.
///
/// Its descriptor ([`AsFd`]) is readable once the process has ended.
#[derive(Debug)]
pub struct Process {
    name: &'static str,
    watch: Watch,
    /// The process is killed by the kernel when this closes.
    life: Option<OwnedFd>,
    words: Words,
    status: Option<Status>,
}

impl Process {
    pub(super) fn new(name: &'static str, watch: Watch, life: OwnedFd, words: Words) -> Self {
        Self { name, watch, life: Some(life), words, status: None }
    }

    /// What it is: `fs`, `vsock`, `vmm` or `qemu`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Waits until the process is confined and about to do its work; for QEMU, about to be
    /// executed. Tells how it is confined.
    ///
    /// # Errors
    /// [`Error::Failed`] and [`Error::Ended`] when it gave up, [`Error::Silent`] after `within`.
    pub fn ready(&mut self, within: Duration) -> Result<confine::Report, Error> {
        let deadline = Instant::now() + within;
        loop {
            self.words.listen();
            if let Some(why) = &self.words.failed {
                return Err(Error::Failed { name: self.name, why: why.clone() });
            }
            if let Some(report) = &self.words.ready {
                return serde_json::from_str(report)
                    .map_err(|error| Error::Failed { name: self.name, why: error.to_string() });
            }
            if self.words.over {
                return Err(self.gave_up());
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || !wait_for(self.words.as_fd(), left) {
                return Err(Error::Silent { name: self.name, seconds: within.as_secs() });
            }
        }
    }

    /// The error of a process that closed its pipe before it was ready.
    fn gave_up(&mut self) -> Error {
        let status = self.wait_for(END).unwrap_or(Status::Unknown);
        match (status, self.words.last()) {
            // The filter's line is of more use than nothing, a signal of more than old noise.
            (_, Some(why)) => Error::Failed { name: self.name, why },
            (status, None) => Error::Ended { name: self.name, status },
        }
    }

    /// How it ended; `None` while it runs.
    pub fn try_status(&mut self) -> Option<Status> {
        if self.status.is_none() {
            self.status = self.watch.status();
        }
        self.status
    }

    /// Waits for its end, but no longer than `within`.
    pub fn wait_for(&mut self, within: Duration) -> Option<Status> {
        let deadline = Instant::now() + within;
        loop {
            if let Some(status) = self.try_status() {
                return Some(status);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            wait_for(self.watch.as_fd(), left);
        }
    }

    /// Kills it. It cannot refuse; its end is still to be waited for.
    pub fn kill(&mut self) {
        self.life = None;
        if self.status.is_none() {
            self.watch.kill();
        }
    }

    /// The last thing it said that may tell why it ended; one line, fit for a terminal.
    pub fn last_words(&mut self) -> Option<String> {
        self.words.last()
    }

    /// How its machine ended, if it is a monitor, was able to say so and has.
    pub fn machine_end(&mut self) -> Option<MachineEnd> {
        self.words.listen();
        serde_json::from_str(self.words.end.as_deref()?).ok()
    }
}

impl AsFd for Process {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.watch.as_fd()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        self.wait_for(END);
    }
}

/// Waits until `fd` has something, or for `within`.
fn wait_for(fd: BorrowedFd<'_>, within: Duration) -> bool {
    let mut polled = [PollFd::new(&fd, PollFlags::IN)];
    // Up to a day at a time.
    let within = Timespec::try_from(within.min(Duration::from_secs(86_400))).ok();
    // An interruption is as good as an event: the caller looks.
    !matches!(poll(&mut polled, within.as_ref()), Ok(0))
}
