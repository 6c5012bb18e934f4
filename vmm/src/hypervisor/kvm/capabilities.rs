//! What the host's KVM must be able to do.

use kvm_ioctls::Kvm;

use super::native::REQUIRED;
use crate::hypervisor::Error;

/// Fails with the names of all required capabilities that are absent.
pub(super) fn require(system: &Kvm) -> Result<(), Error> {
    missing(REQUIRED, |number| system.check_extension_raw(u64::from(number)) > 0)
}

fn missing(required: &[(&str, u32)], has: impl Fn(u32) -> bool) -> Result<(), Error> {
    let names: Vec<&str> =
        required.iter().filter(|(_, cap)| !has(*cap)).map(|(name, _)| *name).collect();
    if names.is_empty() { Ok(()) } else { Err(Error::MissingCapability(names.join(", "))) }
}

#[cfg(test)]
#[path = "capabilities_test.rs"]
mod tests;
