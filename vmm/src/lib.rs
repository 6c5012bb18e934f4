//! A minimal virtual machine monitor: KVM or Hypervisor.framework, direct kernel boot, virtio
//! over MMIO.
//!
//! - [`hypervisor`]: the narrow seam to what runs guest code; `kvm` is one backend.
//! - [`arch`]: memory layout, firmware tables and boot state of one architecture.
//! - [`boot`]: kernel, initrd and command line into guest memory.
//! - [`bus`]: port and memory accesses to devices; [`legacy`]: the few old devices a kernel wants.
//! - [`machine`]: a [`machine::MachineSpec`] becomes a running machine.
//!
//! Nothing here opens a file by path: every file, socket and `/dev/kvm` itself arrive open, so
//! that the process can be confined before the first guest instruction.

pub mod arch;
pub mod boot;
pub mod bus;
#[cfg(target_os = "linux")]
#[doc(hidden)]
pub mod fuzzing;
pub mod hypervisor;
pub mod legacy;
pub mod machine;
mod sys;
#[cfg(test)]
mod testing;

pub use virtio_devices::Memory;
