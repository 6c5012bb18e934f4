//! Configurations: what a machine or its controller is to be.

use std::ffi::c_void;

use applevisor_sys::{hv_error_t, hv_gic_config_t, hv_return_t, hv_vm_config_t};

use crate::{Answer, code, machine};

/// Of a machine and of a controller alike.
#[derive(Clone, Copy, Debug, Default)]
pub struct Config {
    pub ipa_bits: u32,
    pub distributor: u64,
    pub redistributors: u64,
}

fn create() -> *mut c_void {
    Box::into_raw(Box::new(Config::default())).cast()
}

/// What `object` says.
///
/// # Safety
/// Made by [`create`] and not released, or null.
pub unsafe fn read(object: *mut c_void) -> Answer<Config> {
    // SAFETY: the caller's promise.
    unsafe { object.cast::<Config>().as_ref() }.copied().ok_or(hv_error_t::HV_BAD_ARGUMENT)
}

/// Changes `object`.
///
/// # Safety
/// As for [`read`].
unsafe fn change(object: *mut c_void, change: impl FnOnce(&mut Config)) -> hv_return_t {
    // SAFETY: the caller's promise.
    let config = unsafe { object.cast::<Config>().as_mut() };
    code(config.map(change).ok_or(hv_error_t::HV_BAD_ARGUMENT))
}

#[unsafe(no_mangle)]
extern "C" fn hv_vm_config_create() -> hv_vm_config_t {
    create()
}

#[unsafe(no_mangle)]
extern "C" fn hv_gic_config_create() -> hv_gic_config_t {
    create()
}

#[unsafe(no_mangle)]
unsafe extern "C" fn os_release(object: *mut c_void) {
    if !object.is_null() {
        // SAFETY: made by `create`, and released once.
        drop(unsafe { Box::from_raw(object.cast::<Config>()) });
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn hv_vm_config_get_max_ipa_size(bits: *mut u32) -> hv_return_t {
    code(machine::max_ipa_bits().map(|max| {
        // SAFETY: the caller gives room for one number.
        unsafe { bits.write(max) }
    }))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn hv_vm_config_set_ipa_size(config: hv_vm_config_t, bits: u32) -> hv_return_t {
    // SAFETY: a configuration of the caller's.
    unsafe { change(config, |config| config.ipa_bits = bits) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn hv_gic_config_set_distributor_base(
    config: hv_gic_config_t,
    address: u64,
) -> hv_return_t {
    // SAFETY: a configuration of the caller's.
    unsafe { change(config, |config| config.distributor = address) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn hv_gic_config_set_redistributor_base(
    config: hv_gic_config_t,
    address: u64,
) -> hv_return_t {
    // SAFETY: a configuration of the caller's.
    unsafe { change(config, |config| config.redistributors = address) }
}
