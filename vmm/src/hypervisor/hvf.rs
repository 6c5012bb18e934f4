//! Apple's Hypervisor.framework, with its own GICv3 (macOS 15 and later).
//!
//! ```text
//!  binding     the calls that are used, as a trait; applevisor is the real one, fake a script
//!  vm, vcpu    the backend, for any binding
//!  board       what a machine's vCPUs share: who is on, who was kicked, who sleeps
//!  syndrome    why the guest stopped       sysreg   registers that stop it
//!  psci        the firmware's calls        vtimer   its timer        wfi   its sleep
//!  inject      what the guest did wrong is answered as hardware answers it: by an exception
//! ```
//!
//! Only `binding::applevisor` is macOS's own. The rest is compiled and tested everywhere, and
//! nothing in it stops this process for what a guest does.

pub mod binding;
mod board;
pub mod error;
mod features;
#[doc(hidden)]
pub mod fuzzing;
pub mod inject;
pub mod kick;
pub mod psci;
pub mod syndrome;
pub mod sysreg;
pub mod vcpu;
pub mod vm;
pub mod vtimer;
pub mod wfi;

#[cfg(test)]
mod exits_test;
#[cfg(test)]
mod fake;
#[cfg(test)]
mod smp_test;

#[cfg(any(
    target_os = "macos",
    all(feature = "hvf-shim", target_os = "linux", target_arch = "aarch64")
))]
pub use binding::applevisor::Applevisor;
pub use error::Error;
pub use vcpu::HvfVcpu;
pub use vm::{Hvf, HvfVm};

/// Builds machines on the real framework.
#[cfg(any(
    target_os = "macos",
    all(feature = "hvf-shim", target_os = "linux", target_arch = "aarch64")
))]
impl crate::machine::Machine<HvfVm<Applevisor>> {
    /// Builds the machine on Hypervisor.framework: memory, devices, kernel, vCPUs.
    ///
    /// # Errors
    /// [`crate::machine::Error`], which names what failed and what to do.
    pub fn on_hvf(spec: crate::machine::MachineSpec) -> Result<Self, crate::machine::Error> {
        crate::machine::Machine::with(&Hvf::new(Applevisor)?, spec)
    }
}
