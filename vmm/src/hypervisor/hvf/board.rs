//! What the vCPUs of one machine share: who is on, who was kicked, and where they wait.
//!
//! A vCPU's thread waits here for three things, always under the one lock: that all vCPUs exist
//! (the framework's interrupt controller takes their number and affinities as final once one
//! runs), that it is switched on, and, when its guest waits for an interrupt, that one may be
//! there. A kick ends each of them.
//!
//! The framework wants its vCPUs destroyed only when the machine ends, and nothing says what becomes
//! of one in the guest while another goes. So the first that is about to go ends it for all: it gets
//! the others out of the guest, where none enters again, and goes when they have left.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::binding::Binding;
use super::psci::{self, Effect, Power, Start};

/// One machine's vCPUs, with the binding that stops them.
pub(super) struct Board<B: Binding> {
    pub(super) binding: B,
    /// Where the guest's virtual counter starts: the same for all vCPUs.
    pub(super) counter_offset: u64,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    cpus: Vec<Slot>,
    power: Vec<Power>,
    /// Start and end of guest memory.
    memory: (u64, u64),
    /// Interrupt lines raised so far.
    raised: u64,
    /// A vCPU goes or has gone: none enters the guest any more.
    ending: bool,
}

#[derive(Clone, Default)]
struct Slot {
    /// The framework's name for it, while it exists.
    handle: Option<u64>,
    /// Whether it existed once: the threads wait for all.
    attached: bool,
    kicked: bool,
    /// On its way into the guest, or there.
    inside: bool,
}

/// What a vCPU does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Somebody wants it out.
    Kicked,
    /// It was just switched on.
    Start(Start),
    /// It goes on. The number of lines raised so far is for [`Board::sleep`].
    Run(u64),
}

impl<B: Binding> Board<B> {
    /// For `cpus` vCPUs, all off.
    pub(super) fn new(binding: B, cpus: u8) -> Arc<Self> {
        let counter_offset = binding.clock().now;
        let cpus = usize::from(cpus);
        let state = State {
            cpus: vec![Slot::default(); cpus],
            power: vec![Power::Off; cpus],
            memory: (0, 0),
            raised: 0,
            ending: false,
        };
        let (state, changed) = (Mutex::new(state), Condvar::new());
        Arc::new(Board { binding, counter_offset, state, changed })
    }

    pub(super) fn cpus(&self) -> usize {
        self.lock().cpus.len()
    }

    /// The guest's counter now.
    pub(super) fn counter(&self) -> u64 {
        self.binding.clock().now.wrapping_sub(self.counter_offset)
    }

    /// Says where guest memory is.
    pub(super) fn set_memory(&self, start: u64, end: u64) {
        self.lock().memory = (start, end);
    }

    /// vCPU `cpu` starts as soon as all exist.
    pub(super) fn switch_on(&self, cpu: u8, start: Start) {
        if let Some(power) = self.lock().power.get_mut(usize::from(cpu)) {
            *power = Power::Pending(start);
        }
    }

    /// vCPU `cpu` exists now, under this name.
    pub(super) fn attach(&self, cpu: u8, handle: u64) {
        if let Some(slot) = self.lock().cpus.get_mut(usize::from(cpu)) {
            slot.handle = Some(handle);
            slot.attached = true;
        }
        self.changed.notify_all();
    }

    /// vCPU `cpu`, which is not in the guest, is about to be destroyed: waits until no other is there.
    pub(super) fn detach(&self, cpu: u8) {
        let cpu = usize::from(cpu);
        let mut state = self.lock();
        state.ending = true;
        if let Some(slot) = state.cpus.get_mut(cpu) {
            slot.inside = false;
        }
        for handle in state.cpus.iter().filter(|slot| slot.inside).filter_map(|slot| slot.handle) {
            // As for a kick.
            let _ = self.binding.cpu_exit(handle);
        }
        self.changed.notify_all();
        while state.cpus.iter().any(|slot| slot.inside) {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if let Some(slot) = state.cpus.get_mut(cpu) {
            slot.handle = None;
        }
    }

    /// Gets vCPU `cpu` out of the guest, or keeps it from entering.
    pub(super) fn kick(&self, cpu: u8) {
        let mut state = self.lock();
        let Some(slot) = state.cpus.get_mut(usize::from(cpu)) else {
            return;
        };
        slot.kicked = true;
        if let Some(handle) = slot.handle {
            // Under the lock, so that the name is not another's by now. A vCPU that is not in
            // the guest leaves its next run at once; one that cannot be stopped finds the flag.
            let _ = self.binding.cpu_exit(handle);
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Takes back a kick of vCPU `cpu` that has had its effect.
    pub(super) fn take_kick(&self, cpu: u8) -> bool {
        let mut state = self.lock();
        state.cpus.get_mut(usize::from(cpu)).is_some_and(|slot| std::mem::take(&mut slot.kicked))
    }

    /// Waits until vCPU `cpu` may run or was kicked. After [`Next::Run`] comes [`Board::left`].
    pub(super) fn next(&self, cpu: u8) -> Next {
        let cpu = usize::from(cpu);
        let mut state = self.lock();
        loop {
            if state.cpus.get_mut(cpu).is_none_or(|slot| std::mem::take(&mut slot.kicked)) {
                return Next::Kicked;
            }
            if !state.ending && state.cpus.iter().all(|slot| slot.attached) {
                match state.power.get_mut(cpu) {
                    Some(Power::On) => {
                        if let Some(slot) = state.cpus.get_mut(cpu) {
                            slot.inside = true;
                        }
                        return Next::Run(state.raised);
                    }
                    Some(power @ Power::Pending(_)) => {
                        let Power::Pending(start) = std::mem::replace(power, Power::On) else {
                            continue;
                        };
                        return Next::Start(start);
                    }
                    Some(Power::Off) | None => {}
                }
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// vCPU `cpu` has left the guest.
    pub(super) fn left(&self, cpu: u8) {
        let mut state = self.lock();
        if let Some(slot) = state.cpus.get_mut(usize::from(cpu)) {
            slot.inside = false;
        }
        if state.ending {
            self.changed.notify_all();
        }
    }

    /// Sleeps for `longest`, unless a line was raised after `raised` or vCPU `cpu` was kicked.
    pub(super) fn sleep(&self, cpu: u8, raised: u64, longest: Duration) {
        let end = Instant::now() + longest;
        let mut state = self.lock();
        while state.raised == raised
            && state.cpus.get(usize::from(cpu)).is_some_and(|slot| !slot.kicked)
        {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state =
                self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// A line was raised: whoever sleeps looks at its interrupts.
    pub(super) fn raised(&self) {
        let mut state = self.lock();
        state.raised = state.raised.wrapping_add(1);
        drop(state);
        self.changed.notify_all();
    }

    /// Decides a call of the firmware by vCPU `cpu`, and switches vCPUs on and off.
    pub(super) fn call(&self, cpu: u8, arguments: [u64; 4]) -> Effect {
        let mut state = self.lock();
        let effect = psci::call(arguments, &state.power, state.memory);
        let change = match effect {
            Effect::Start { cpu, start } => Some((cpu, Power::Pending(start))),
            Effect::Off => Some((usize::from(cpu), Power::Off)),
            _ => None,
        };
        if let Some((cpu, power)) = change {
            if let Some(slot) = state.power.get_mut(cpu) {
                *slot = power;
            }
            drop(state);
            self.changed.notify_all();
        }
        effect
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[path = "board_test.rs"]
mod tests;
