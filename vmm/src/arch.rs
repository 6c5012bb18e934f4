//! What differs from one processor architecture to another: where things are in guest-physical
//! memory, the few devices that are not virtio, and how a kernel is entered.
//!
//! A hypervisor says whose machines it makes ([`Vm::Arch`]); the rest of the monitor is the same
//! for all. `aarch64` is compiled everywhere, so that all of it but the hypervisor's own part is
//! tested on any machine; `x86_64` where it can run.

use std::fmt::Debug;
use std::os::fd::OwnedFd;

use crate::Memory;
use crate::boot::{self, Payload};
use crate::hypervisor::Vm;
use crate::machine::{self, Buses};

pub mod aarch64;
#[cfg(target_arch = "x86_64")]
pub mod x86_64;

pub use aarch64::Aarch64;
#[cfg(target_arch = "x86_64")]
pub use x86_64::X86_64;

/// The architecture of this machine.
#[cfg(target_arch = "aarch64")]
pub type Native = Aarch64;
/// The architecture of this machine.
#[cfg(target_arch = "x86_64")]
pub type Native = X86_64;

/// One architecture's machine.
pub trait Arch: Send + Sync + 'static {
    /// How and where the first vCPU enters its kernel.
    type Entry: Clone + Copy + Debug + PartialEq + Send;

    /// Most memory of a machine, in bytes.
    const MEMORY_MAX: u64;

    /// Words of the kernel command line that are true of the machine whatever runs in it.
    const CMDLINE: &'static str;

    /// The ranges `(start, length)` of guest-physical memory that `size` bytes occupy, in order.
    fn ranges(size: u64) -> Vec<(u64, u64)>;

    /// Registers (address) and interrupt line of virtio device number `index`, or `None` beyond
    /// the last. Each has 4 KiB to itself.
    fn virtio_slot(index: usize) -> Option<(u64, u32)>;

    /// Puts the devices on their buses that are not virtio. What the guest prints goes to
    /// `serial`.
    ///
    /// # Errors
    /// [`machine::Error`].
    fn add_legacy<V: Vm<Arch = Self>>(
        vm: &V,
        buses: &mut Buses,
        serial: Option<OwnedFd>,
    ) -> Result<(), machine::Error>;

    /// Start and end of the guest-physical memory that a kernel of `kernel` bytes with an initrd
    /// of `initrd` bytes fills at every boot, multiples of 2 MiB within memory, in order.
    fn filled_by_boot(size: u64, kernel: u64, initrd: u64) -> Vec<(u64, u64)>;

    /// Loads everything that a boot needs into the `size` bytes of `memory`, and answers where
    /// to start.
    ///
    /// # Errors
    /// [`boot::Error`].
    fn load(memory: &Memory, size: u64, payload: Payload<'_>) -> Result<Self::Entry, boot::Error>;
}

/// First state of one vCPU of a machine with entries `E`.
#[derive(Clone, Debug)]
pub struct VcpuInit<E> {
    /// Its number, from 0; also its interrupt controller id.
    pub id: u8,
    /// How many there are, 1 to 32.
    pub cpus: u8,
    /// Where the first vCPU starts; the others wait until it starts them.
    pub entry: Option<E>,
}
