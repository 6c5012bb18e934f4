//! What the host's KVM must be able to do.

use kvm_ioctls::{Cap, Kvm};

use crate::hypervisor::Error;

/// Required capabilities, by the names of the KVM documentation.
const REQUIRED: [(&str, Cap); 9] = [
    ("KVM_CAP_EXT_CPUID", Cap::ExtCpuid),
    ("KVM_CAP_IMMEDIATE_EXIT", Cap::ImmediateExit),
    ("KVM_CAP_IOEVENTFD", Cap::Ioeventfd),
    ("KVM_CAP_IRQCHIP", Cap::Irqchip),
    ("KVM_CAP_IRQFD", Cap::Irqfd),
    ("KVM_CAP_MP_STATE", Cap::MpState),
    ("KVM_CAP_PIT2", Cap::Pit2),
    ("KVM_CAP_SET_TSS_ADDR", Cap::SetTssAddr),
    ("KVM_CAP_USER_MEMORY", Cap::UserMemory),
];

/// Fails with the names of all required capabilities that are absent.
pub(super) fn require(system: &Kvm) -> Result<(), Error> {
    missing(|cap| system.check_extension(cap))
}

fn missing(has: impl Fn(Cap) -> bool) -> Result<(), Error> {
    let names: Vec<&str> =
        REQUIRED.iter().filter(|(_, cap)| !has(*cap)).map(|(name, _)| *name).collect();
    if names.is_empty() { Ok(()) } else { Err(Error::MissingCapability(names.join(", "))) }
}

#[cfg(test)]
#[path = "capabilities_test.rs"]
mod tests;
