//! The end of the guest: of its processes, its shares, and itself.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::mount::{UnmountFlags, unmount};
use rustix::system::{RebootCommand, reboot};

use crate::boot::mounts::FUSE_CONTROL;
use crate::log;
use crate::reap::Reaper;
use crate::sys::process::{Target, kill};

/// How long processes have between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_millis(200);

/// How long the kernel has to get rid of killed processes, which takes that long only when one
/// waits for a share that does not answer.
const KILL_LIMIT: Duration = Duration::from_secs(2);

/// How long an unmounted share may take to be flushed and gone.
const FLUSH_LIMIT: Duration = Duration::from_secs(2);

/// Ends what runs in the guest, once.
#[derive(Debug)]
pub struct Ender {
    reaper: Arc<Reaper>,
    shares: Mutex<Vec<Vec<u8>>>,
    begun: AtomicBool,
}

impl Ender {
    /// `shares`: the mount points, in mount order.
    pub fn new(reaper: Arc<Reaper>, shares: Vec<Vec<u8>>) -> Self {
        Self { reaper, shares: Mutex::new(shares), begun: AtomicBool::new(false) }
    }

    /// Whether the end has begun.
    pub fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Relaxed)
    }

    /// Ends every process but the agent: SIGTERM, and SIGKILL to what then still runs. Returns at
    /// once when there is nothing to end.
    pub fn processes(&self) {
        self.begun.store(true, Ordering::Relaxed);
        if self.reaper.wait_alone(Duration::ZERO) {
            return;
        }
        // Errors mean that there is nobody to signal.
        let _ = kill(Target::Everyone, libc::SIGTERM);
        // So that stopped ones hear it.
        let _ = kill(Target::Everyone, libc::SIGCONT);
        if self.reaper.wait_alone(GRACE) {
            return;
        }
        let _ = kill(Target::Everyone, libc::SIGKILL);
        if !self.reaper.wait_alone(KILL_LIMIT) {
            log::warn("some processes do not end");
        }
    }

    /// Unmounts the shares, which flushes them. Without processes nothing keeps them busy.
    pub fn shares(&self) {
        let shares =
            std::mem::take(&mut *self.shares.lock().unwrap_or_else(PoisonError::into_inner));
        if shares.is_empty() {
            return;
        }
        for path in shares.iter().rev() {
            if let Err(error) = unmount(path.as_slice(), UnmountFlags::empty()) {
                log::warn(format_args!("a share is still in use: {error}"));
                rustix::fs::sync();
                let _ = unmount(path.as_slice(), UnmountFlags::DETACH);
            }
        }
        wait_for_flush();
    }
}

/// Waits until the kernel knows of no share. One that a process had mounted in a name space of
/// its own is flushed a moment after the process ended.
fn wait_for_flush() {
    let until = Instant::now() + FLUSH_LIMIT;
    let mut pause = Duration::from_micros(100);
    while fs::read_dir(FUSE_CONTROL).is_ok_and(|mut connections| connections.next().is_some()) {
        if Instant::now() > until {
            rustix::fs::sync();
            return;
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(10));
    }
}

/// Switches the machine off.
pub fn power_off() -> ! {
    for command in [RebootCommand::PowerOff, RebootCommand::Restart] {
        let _ = reboot(command);
    }
    // Not PID 1, or a machine that can do neither: the host cuts it off.
    loop {
        thread::park();
    }
}
