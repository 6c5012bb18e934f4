//! What can run virtual CPUs on this machine, and which of it is taken.

mod decide;
mod facts;
mod hvf;
mod qemu;
mod sys;

pub use decide::{AccelError, Choice, Decision, decide, decide_foreign, kvm_trouble, qemu_trouble};
#[cfg(test)]
pub use facts::CpuFlags;
pub use facts::{Facts, Kvm};
#[cfg(test)]
pub use hvf::Created;
pub use hvf::{Hvf, Mac, hvf_trouble};
pub use qemu::{Qemu, program as qemu_program};
pub use sys::find_qemu;
