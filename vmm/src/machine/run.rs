//! From the first instruction to the last.
//!
//! One thread a vCPU, and the caller's thread, which waits: for a vCPU's verdict, for the stop
//! event, for a device's process to hang up. The first of them ends the machine.

use std::io;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use rustix::event::{PollFd, PollFlags};
use virtio_devices::event::Event;

use super::{Buses, Machine, RunError, devices::Watch, vcpu};
use crate::bus::Action;
use crate::hypervisor::{Kicker, Vcpu, Vm};
use crate::sys::PEER_CLOSED;

/// Stack of a vCPU's thread; touched only as far as it is used.
const STACK: usize = 256 << 10;

/// How a machine ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The guest powered off: the orderly end.
    PowerOff,
    /// The guest asked for a reset. The guest's agent never does: a kernel that panics under
    /// `panic=-1` does, and its last lines on the console say why.
    Reset,
    /// The guest's kernel reported its panic.
    Panicked,
    /// The guest's processor gave up: a fault while handling a fault in a fault.
    TripleFault,
    /// [`super::MachineSpec::stop`] fired.
    Stopped,
}

impl Exit {
    /// What an action of a device means for the machine.
    pub(super) fn of(action: Action) -> Option<Exit> {
        match action {
            Action::None => None,
            Action::PowerOff => Some(Exit::PowerOff),
            Action::Reset => Some(Exit::Reset),
            Action::Panicked => Some(Exit::Panicked),
        }
    }
}

/// The end of a machine.
#[derive(Debug)]
pub struct Outcome {
    /// How it ended.
    pub exit: Exit,
    /// What devices have to say, for a diagnosis: one line each, none when all went well.
    pub notes: Vec<String>,
}

/// The first reason to end, and the news of it.
pub(super) struct Verdict {
    given: AtomicBool,
    reason: Mutex<Option<Result<Exit, RunError>>>,
    event: Event,
}

impl Verdict {
    fn new() -> io::Result<Self> {
        Ok(Verdict {
            given: AtomicBool::new(false),
            reason: Mutex::new(None),
            event: Event::new()?,
        })
    }

    /// The first reason counts; later ones are consequences.
    pub(super) fn give(&self, reason: Result<Exit, RunError>) {
        let mut slot = self.reason.lock().unwrap_or_else(PoisonError::into_inner);
        slot.get_or_insert(reason);
        self.given.store(true, Ordering::SeqCst);
        drop(slot);
        let _ = self.event.signal();
    }

    pub(super) fn is_given(&self) -> bool {
        self.given.load(Ordering::SeqCst)
    }
}

impl<V: Vm> Machine<V> {
    /// Runs the machine to its end. When this returns, no guest code runs, all devices have
    /// stopped, and guest memory is unmapped.
    ///
    /// # Errors
    /// [`RunError`].
    pub fn run(mut self) -> Result<Outcome, RunError> {
        let verdict = Verdict::new().map_err(|error| RunError::Start("event", error))?;
        let vcpus = std::mem::take(&mut self.vcpus);
        let kickers: Vec<_> = vcpus.iter().map(Vcpu::kicker).collect();
        let mut first_entry = self.first_entry.take();
        let buses = &self.buses;
        let verdict_ref = &verdict;
        thread::scope(|scope| {
            for (cpu, vcpu) in (0u8..).zip(vcpus) {
                let before = first_entry.take();
                let started = thread::Builder::new()
                    .name(format!("vcpu{cpu}"))
                    .stack_size(STACK)
                    .spawn_scoped(scope, move || {
                        if let Some(before) = before {
                            before();
                        }
                        vcpu::run(cpu, vcpu, buses, verdict_ref);
                    });
                if let Err(error) = started {
                    verdict.give(Err(RunError::Start("thread", error)));
                    break;
                }
            }
            wait(&verdict, self.stop.as_ref(), &self.watches);
            for kicker in &kickers {
                kicker.kick();
            }
        });
        let notes = self.buses.quiesce();
        let reason = verdict.reason.into_inner().unwrap_or_else(PoisonError::into_inner);
        reason.unwrap_or(Ok(Exit::Stopped)).map(|exit| Outcome { exit, notes })
    }
}

impl Buses {
    fn quiesce(&self) -> Vec<String> {
        let mut notes = self.ports.quiesce();
        notes.extend(self.mmio.quiesce());
        notes
    }
}

/// Waits until there is a verdict, giving it where it comes from outside.
fn wait(verdict: &Verdict, stop: Option<&impl AsFd>, watches: &[Watch]) {
    while !verdict.is_given() {
        match look(verdict, stop, watches) {
            Ok(None) => {}
            Ok(Some(reason)) => verdict.give(reason),
            Err(error) => verdict.give(Err(RunError::Wait(error))),
        }
    }
}

fn look(
    verdict: &Verdict,
    stop: Option<&impl AsFd>,
    watches: &[Watch],
) -> io::Result<Option<Result<Exit, RunError>>> {
    let gone = PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL | PEER_CLOSED;
    let mut fds = vec![PollFd::new(&verdict.event, PollFlags::IN)];
    fds.extend(watches.iter().map(|watch| PollFd::new(&watch.socket, PEER_CLOSED)));
    fds.extend(stop.map(|stop| PollFd::new(stop, PollFlags::IN)));
    match rustix::event::poll(&mut fds, None) {
        Ok(_) => {}
        Err(rustix::io::Errno::INTR) => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    let fired: Vec<PollFlags> = fds.iter().map(PollFd::revents).collect();
    if fired.first().is_some_and(|flags| !flags.is_empty()) {
        return Ok(None);
    }
    let lost = watches.iter().zip(fired.iter().skip(1)).find(|(_, flags)| flags.intersects(gone));
    if let Some((watch, _)) = lost {
        return Ok(Some(Err(RunError::BackendGone(watch.name.clone()))));
    }
    let stopped = fired.get(1 + watches.len()).is_some_and(|flags| !flags.is_empty());
    Ok(stopped.then_some(Ok(Exit::Stopped)))
}
