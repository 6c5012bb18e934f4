//! Hypervisor.framework: asked by sysctl(3), then made to create one empty machine.
#![expect(unsafe_code, reason = "the framework is C functions")]

use std::{
    ffi::{CStr, OsStr, c_void},
    path::PathBuf,
    ptr,
};

use guest_image::Arch;

use crate::{
    accel::{
        facts::Kvm,
        hvf::{Created, Hvf, Mac, OLDEST, version},
        qemu::Qemu,
    },
    sys::sysctl,
};

#[link(name = "Hypervisor", kind = "framework")]
unsafe extern "C" {
    fn hv_vm_create(config: *mut c_void) -> u32;
    fn hv_vm_destroy() -> u32;
}

/// KVM is Linux's.
pub fn probe_kvm() -> Kvm {
    Kvm::Foreign
}

/// QEMU has no vhost-user device for shares on macOS.
pub fn find_qemu(_arch: Arch, _path: &OsStr, _shared: &[PathBuf]) -> Qemu {
    Qemu::Foreign
}

/// What Hypervisor.framework does here. A process has one machine at a time: call this where none
/// is.
pub fn probe_hvf() -> Hvf {
    let mac = Mac {
        arm64: flag(c"hw.optional.arm64"),
        translated: flag(c"sysctl.proc_translated"),
        // Two names of one number.
        supported: flag(c"kern.hv_support") || flag(c"kern.hv.supported"),
        version: sysctl::text(c"kern.osproductversion").and_then(|text| version(&text)),
        created: Created::Untried,
    };
    let old = mac.version.is_some_and(|version| version < OLDEST);
    let created = match mac.arm64 && !mac.translated && mac.supported && !old {
        true => create(),
        false => Created::Untried,
    };
    Hvf::Mac(Mac { created, ..mac })
}

/// Creates a machine and gives it back.
fn create() -> Created {
    // SAFETY: without a configuration the framework takes its defaults; the machine has no memory
    // and no processor, and nobody else of this process knows of it.
    let created = Created::of(unsafe { hv_vm_create(ptr::null_mut()) });
    if created == Created::Works {
        // SAFETY: the machine above is this process's one, and has no processors.
        unsafe { hv_vm_destroy() };
    }
    created
}

/// A number that says yes or no; one that is not known says no.
fn flag(name: &CStr) -> bool {
    sysctl::number(name).is_some_and(|value| value != 0)
}
