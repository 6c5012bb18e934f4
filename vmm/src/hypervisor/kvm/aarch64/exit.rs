//! Exits that only aarch64 has.
//!
//! A load or store of device registers reaches KVM with a description of the access, but for
//! some instructions: pairs, those that change their base register, atomic ones, vectors. Nobody
//! knows then what to answer without decoding the guest's code. No such instruction works on a
//! device of a real machine whose bus refuses it either: the processor gets a synchronous
//! external abort, and that is what the guest gets here.

use kvm_bindings::{KVM_EXIT_ARM_NISV, kvm_vcpu_events};
use kvm_ioctls::VcpuFd;

use super::registers;
use crate::hypervisor::kvm::failed;
use crate::hypervisor::{Error, VmEntry, VmExit};

/// There is nothing here that the guest waits for an answer to.
#[derive(Clone, Copy)]
pub(in super::super) enum Access {}

impl Access {
    /// Never called.
    pub(in super::super) fn answer(
        self,
        _fd: &mut VcpuFd,
        _entry: VmEntry,
    ) -> Result<Option<(VmExit, Access)>, Error> {
        match self {}
    }
}

/// What the exit that `fd` has just made means.
pub(in super::super) fn exit(fd: &mut VcpuFd) -> Result<(VmExit, Option<Access>), Error> {
    match fd.get_kvm_run().exit_reason {
        KVM_EXIT_ARM_NISV => {
            let mut events = kvm_vcpu_events::default();
            events.exception.ext_dabt_pending = 1;
            fd.set_vcpu_events(&events).map_err(failed("KVM_SET_VCPU_EVENTS"))?;
            Ok((VmExit::Interrupted, None))
        }
        other => Err(Error::Stuck(format!(
            "unexpected exit {other} at instruction {:#x}",
            registers::instruction(fd)
        ))),
    }
}
