//! Linux KVM, with interrupt controllers and timers in the kernel.
//!
//! What both architectures share is here; [`native`] is the rest, with the same few names in
//! each: `REQUIRED` capabilities, `Board` (what the machine has before its memory), `Access` and
//! `exit` (why a vCPU left, where only this architecture leaves).

#![expect(unsafe_code, reason = "takes ownership of the /dev/kvm descriptor")]

#[cfg(target_arch = "aarch64")]
mod aarch64;
mod capabilities;
mod kick;
mod vcpu;
mod vm;
#[cfg(target_arch = "x86_64")]
mod x86_64;

#[cfg(target_arch = "aarch64")]
use aarch64 as native;
#[cfg(target_arch = "x86_64")]
use x86_64 as native;

use std::os::fd::{FromRawFd, IntoRawFd, OwnedFd};

use super::{Error, Hypervisor};
pub use kick::KvmKicker;
pub use vcpu::KvmVcpu;
pub use vm::KvmVm;

/// An open `/dev/kvm`.
pub struct Kvm {
    system: kvm_ioctls::Kvm,
}

impl Kvm {
    /// Takes an open `/dev/kvm` and checks that it has what the machine needs.
    ///
    /// # Errors
    /// [`Error::NotAHypervisor`], [`Error::MissingCapability`] with the names of all that lack.
    pub fn new(fd: OwnedFd) -> Result<Self, Error> {
        // SAFETY: the descriptor is open and ours to give away. Should it be no KVM device, each
        // ioctl fails, the first of them the version query below.
        let system = unsafe { kvm_ioctls::Kvm::from_raw_fd(fd.into_raw_fd()) };
        let version = system.get_api_version();
        if version != 12 {
            return Err(Error::NotAHypervisor(version));
        }
        capabilities::require(&system)?;
        kick::install()?;
        Ok(Kvm { system })
    }
}

impl Hypervisor for Kvm {
    type Vm = KvmVm;

    fn create_vm(&self, cpus: u8) -> Result<KvmVm, Error> {
        let limit = self.system.get_max_vcpus();
        if usize::from(cpus) > limit {
            return Err(Error::TooManyCpus { wanted: cpus, limit });
        }
        KvmVm::new(&self.system, cpus)
    }
}

/// Names the call of a failed ioctl.
fn failed(call: &'static str) -> impl FnOnce(kvm_ioctls::Error) -> Error {
    move |error| Error::Call { call, source: std::io::Error::from_raw_os_error(error.errno()) }
}

#[cfg(all(test, target_arch = "aarch64"))]
#[path = "kvm/aarch64_test.rs"]
mod tests;
#[cfg(all(test, target_arch = "x86_64"))]
#[path = "kvm/x86_64_test.rs"]
mod tests;
