//! Capabilities, given up in every set, and no way to gain any.

use rustix::{
    io::Errno,
    process::geteuid,
    thread::{
        CapabilitiesSecureBits, CapabilitySet, CapabilitySets, capabilities,
        clear_ambient_capability_set, remove_capability_from_bounding_set, set_capabilities,
        set_capabilities_secure_bits, set_no_new_privs,
    },
};

use crate::{Error, Result, State};

/// No capability.
pub(super) const NONE: CapabilitySet = CapabilitySet::empty();

/// What root's file server keeps: working with files of other users in the folder as
/// root does outside.
pub(super) const FILES: CapabilitySet =
    CapabilitySet::CHOWN.union(CapabilitySet::DAC_OVERRIDE).union(CapabilitySet::FOWNER);

/// Whether the process is root with root's powers, at least over users.
pub(super) fn privileged() -> bool {
    let needed = CapabilitySet::SETUID | CapabilitySet::SETGID;
    geteuid().is_root() && capabilities(None).is_ok_and(|sets| sets.effective.contains(needed))
}

/// Empties the ambient and bounding sets, and locks root's special treatment off. Says
/// whether that was allowed: without any privilege there is nothing to empty it with.
pub(super) fn lock_down(keep: CapabilitySet) -> Result<bool> {
    clear_ambient_capability_set().map_err(Error::step("clearing ambient capabilities"))?;
    for bit in 0..63 {
        let one = CapabilitySet::from_bits_retain(1 << bit);
        if keep.contains(one) {
            continue;
        }
        match remove_capability_from_bounding_set(one) {
            Ok(()) => {}
            // One more than the kernel knows.
            Err(Errno::INVAL) => break,
            Err(Errno::PERM) => return Ok(false),
            Err(errno) => return Err(Error::step("emptying the bounding set")(errno)),
        }
    }
    let bits = CapabilitiesSecureBits::NO_ROOT
        | CapabilitiesSecureBits::NO_ROOT_LOCKED
        | CapabilitiesSecureBits::NO_SETUID_FIXUP
        | CapabilitiesSecureBits::NO_SETUID_FIXUP_LOCKED
        | CapabilitiesSecureBits::KEEP_CAPS_LOCKED
        | CapabilitiesSecureBits::NO_CAP_AMBIENT_RAISE
        | CapabilitiesSecureBits::NO_CAP_AMBIENT_RAISE_LOCKED;
    set_capabilities_secure_bits(bits).map_err(Error::step("locking the secure bits"))?;
    Ok(true)
}

/// Keeps `keep`, gives up all else, and sets `no_new_privs`. Must succeed.
pub(super) fn drop_to(keep: CapabilitySet, bounding: bool) -> Result<State> {
    let sets = capabilities(None).map_err(Error::step("reading capabilities"))?;
    let kept = sets.permitted & keep;
    set_capabilities(None, CapabilitySets { effective: kept, permitted: kept, inheritable: NONE })
        .map_err(Error::step("dropping capabilities"))?;
    set_no_new_privs(true).map_err(Error::step("setting no_new_privs"))?;
    let said = if kept.is_empty() {
        "none, no_new_privs".to_owned()
    } else {
        format!("only {kept:?}, no_new_privs").replace("CapabilitySet(", "").replace(')', "")
    };
    // Under no_new_privs the bounding set bounds nothing that could still come.
    Ok(State::active(if bounding {
        format!("{said}, bounding set and secure bits locked")
    } else {
        said
    }))
}
