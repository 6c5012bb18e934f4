//! The loop of one vCPU: enter the guest, serve what it left for, look whether to stop.

use super::run::{Exit, Verdict};
use super::{Buses, RunError};
use crate::bus::Action;
use crate::hypervisor::{Error, Vcpu, VmEntry, VmExit};

/// Bits of `KVM_SYSTEM_EVENT_*`, which other backends use, too.
const SYSTEM_SHUTDOWN: u32 = 1;
const SYSTEM_RESET: u32 = 2;

/// Runs vCPU `cpu` until the machine stops; its end, if it decides the machine's, goes to
/// `verdict`.
pub(super) fn run<C: Vcpu>(cpu: u8, mut vcpu: C, buses: &Buses, verdict: &Verdict) {
    let guard = Lost { cpu, verdict };
    let end = serve(&mut vcpu, buses, verdict);
    // On this thread, so that no late kick reaches another one.
    drop(vcpu);
    std::mem::forget(guard);
    match end {
        Ok(None) => {}
        Ok(Some(exit)) => verdict.give(Ok(exit)),
        Err(source) => verdict.give(Err(RunError::Vcpu { cpu, source })),
    }
}

/// `None`: somebody else decided.
fn serve<C: Vcpu>(vcpu: &mut C, buses: &Buses, verdict: &Verdict) -> Result<Option<Exit>, Error> {
    vcpu.attach()?;
    let mut entry = VmEntry::Resume;
    while !verdict.is_given() {
        let exit = vcpu.run(entry)?;
        entry = VmEntry::Resume;
        let action = match exit {
            VmExit::Io { port, size, write: None } => {
                entry = VmEntry::Value(buses.ports.read(u64::from(port), size));
                Action::None
            }
            VmExit::Io { port, size, write: Some(value) } => {
                buses.ports.write(u64::from(port), size, value)
            }
            VmExit::Mmio { address, size, write: None } => {
                entry = VmEntry::Value(buses.mmio.read(address, size));
                Action::None
            }
            VmExit::Mmio { address, size, write: Some(value) } => {
                buses.mmio.write(address, size, value)
            }
            VmExit::Interrupted => Action::None,
            VmExit::Shutdown => return Ok(Some(Exit::TripleFault)),
            VmExit::SystemEvent { kind: SYSTEM_SHUTDOWN } => Action::PowerOff,
            VmExit::SystemEvent { kind: SYSTEM_RESET } => Action::Reset,
            VmExit::SystemEvent { .. } => Action::Panicked,
            VmExit::Halt => {
                return Err(Error::Stuck("it halted outside of the interrupt controller".into()));
            }
        };
        if let Some(exit) = Exit::of(action) {
            return Ok(Some(exit));
        }
    }
    Ok(None)
}

/// Tells the machine when the loop is left by a panic.
struct Lost<'a> {
    cpu: u8,
    verdict: &'a Verdict,
}

impl Drop for Lost<'_> {
    fn drop(&mut self) {
        self.verdict.give(Err(RunError::VcpuLost(self.cpu)));
    }
}
