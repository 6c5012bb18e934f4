//! What can run virtual CPUs on this machine, and which of it is taken.

mod decide;
mod facts;
mod qemu;
mod sys;

pub use decide::{AccelError, Choice, Decision, decide, decide_foreign, kvm_trouble, qemu_trouble};
#[cfg(test)]
pub use facts::CpuFlags;
pub use facts::{Facts, Kvm};
pub use qemu::{Qemu, program as qemu_program};
