//! Linux KVM, with PIC, IOAPIC, local APICs and PIT in the kernel.

#![expect(unsafe_code, reason = "takes ownership of the /dev/kvm descriptor")]

mod capabilities;
mod kick;
mod vcpu;
mod vm;
mod x86_64;

use std::os::fd::{FromRawFd, IntoRawFd, OwnedFd};

use kvm_bindings::{CpuId, KVM_MAX_CPUID_ENTRIES};

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
        KvmVm::new(&self.system, self.supported_cpuid()?)
    }
}

impl Kvm {
    fn supported_cpuid(&self) -> Result<CpuId, Error> {
        self.system
            .get_supported_cpuid(KVM_MAX_CPUID_ENTRIES)
            .map_err(failed("KVM_GET_SUPPORTED_CPUID"))
    }
}

/// Names the call of a failed ioctl.
fn failed(call: &'static str) -> impl FnOnce(kvm_ioctls::Error) -> Error {
    move |error| Error::Call { call, source: std::io::Error::from_raw_os_error(error.errno()) }
}

#[cfg(all(test, target_arch = "x86_64"))]
#[path = "kvm_test.rs"]
mod tests;
