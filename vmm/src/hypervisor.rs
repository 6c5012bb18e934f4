//! The seam to what runs guest code.
//!
//! Two phases: a VM is created and its interrupt controller configured, then come its vCPUs.
//! There are no callbacks: [`Vcpu::run`] returns why the guest stopped, and what a read returns
//! rides in the next `run`. Doorbells are a capability that a backend may lack; it then answers
//! `false`, and the vCPU thread rings the device itself. Interrupt lines may be events that
//! another process can signal, or not.

use std::sync::Arc;

use virtio_devices::event::Event;
use virtio_devices::transport::mmio::IrqTrigger;

use crate::Memory;
use crate::arch::{Arch, VcpuInit};

pub mod hvf;
#[cfg(target_os = "linux")]
pub mod kvm;

/// Why the hypervisor could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file handed in does not speak the hypervisor's interface.
    #[error("the file given as /dev/kvm does not answer as KVM (API version {0}, expected 12)")]
    NotAHypervisor(i32),
    /// The host's hypervisor is too old or too restricted.
    #[error("KVM on this host lacks {0}; a newer host kernel is needed")]
    MissingCapability(String),
    /// A call to the hypervisor failed.
    #[error("{call} failed")]
    Call {
        /// The call's name.
        call: &'static str,
        /// The system's answer.
        #[source]
        source: std::io::Error,
    },
    /// Guest code cannot go on, and it is not an ordinary end.
    #[error("the virtual CPU cannot go on: {0}")]
    Stuck(String),
    /// More vCPUs than the host allows.
    #[error("{wanted} CPUs were asked for, but the host's KVM allows {limit}")]
    TooManyCpus {
        /// Number asked for.
        wanted: u8,
        /// The host's limit.
        limit: usize,
    },
    /// The host's interrupt controller has nothing to make the guest's of.
    #[error(
        "this host's interrupt controller cannot be virtualised as GICv3 (a Raspberry Pi 4's cannot), which KVM machines of qvm need; use --accel tcg"
    )]
    NoGicV3,
    /// More memory than the host's processors can address for a guest.
    #[error(
        "the machine's memory is too much: this host's processors give a guest {bits} bits of addresses, which are {limit_mib} MiB; ask for less"
    )]
    AddressSpace {
        /// Bits of guest-physical addresses.
        bits: u32,
        /// Memory that they reach.
        limit_mib: u64,
    },
    /// Hypervisor.framework refused.
    #[error(transparent)]
    Hvf(#[from] hvf::Error),
    /// The answer given to `run` does not fit the exit it answers.
    #[error("a vCPU was resumed with an answer to something it did not ask")]
    WrongEntry,
}

/// How a vCPU enters the guest: the answer to its last exit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VmEntry {
    /// Nothing to answer.
    Resume,
    /// The value of a port or memory read, in its low bytes.
    Value(u64),
}

/// Why a vCPU left the guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VmExit {
    /// One access to an I/O port (x86 only). String instructions arrive element by element.
    Io {
        /// Port number.
        port: u16,
        /// Width in bytes: 1, 2 or 4.
        size: u8,
        /// The value written, or `None` for a read, whose value rides in the next entry.
        write: Option<u64>,
    },
    /// One access to guest-physical memory that no memory backs.
    Mmio {
        /// Guest-physical address.
        address: u64,
        /// Width in bytes, 1 to 8.
        size: u8,
        /// The value written, or `None` for a read, whose value rides in the next entry.
        write: Option<u64>,
    },
    /// The guest halted, and the interrupt controller is not the hypervisor's business.
    Halt,
    /// The guest is gone without orderly end: on x86 a triple fault.
    Shutdown,
    /// `run` came back because it was asked to, or for the host's own reasons. The caller looks
    /// at what was asked and, if nothing, resumes.
    Interrupted,
    /// The firmware interface asked for something (PSCI on aarch64, `KVM_SYSTEM_EVENT_*`).
    SystemEvent {
        /// `KVM_SYSTEM_EVENT_SHUTDOWN` (1), `_RESET` (2), `_CRASH` (3), …
        kind: u32,
    },
}

/// A hypervisor that can make virtual machines.
pub trait Hypervisor {
    /// Its machines.
    type Vm: Vm;

    /// Creates a machine for up to `cpus` vCPUs, with its interrupt controller, without memory.
    /// (KVM on aarch64 makes its vCPUs here already: it initialises the controller last.)
    ///
    /// # Errors
    /// [`Error`]: no permission, no memory, or a capability is missing.
    fn create_vm(&self, cpus: u8) -> Result<Self::Vm, Error>;
}

/// How the first vCPU of a machine `V` enters its kernel.
pub type Entry<V> = <<V as Vm>::Arch as Arch>::Entry;

/// One virtual machine.
pub trait Vm: Send + Sync {
    /// Its vCPUs.
    type Vcpu: Vcpu;
    /// What they are.
    type Arch: Arch;

    /// Makes `memory` the guest's physical memory and keeps it alive as long as the machine.
    ///
    /// # Errors
    /// [`Error::Call`], mostly because the host is out of memory.
    fn map_memory(&mut self, memory: Arc<Memory>) -> Result<(), Error>;

    /// Creates vCPU `init.id`, ready to run from its initial state.
    ///
    /// # Errors
    /// [`Error::Call`].
    fn create_vcpu(&self, init: &VcpuInit<Entry<Self>>) -> Result<Self::Vcpu, Error>;

    /// Lets a 4-byte write of `value` to `address` signal `event` without leaving the kernel.
    /// `Ok(false)`: the backend cannot, the write arrives as [`VmExit::Mmio`].
    ///
    /// # Errors
    /// [`Error::Call`].
    fn add_doorbell(&self, address: u64, value: u32, event: &Event) -> Result<bool, Error>;

    /// Interrupt line `line` of the machine, an edge each time it is raised: on x86 a pin of the
    /// I/O APIC, on aarch64 the number of a shared peripheral interrupt (SPI), from 0.
    ///
    /// # Errors
    /// [`Error::Call`].
    fn interrupt(&self, line: u32) -> Result<Box<dyn IrqTrigger>, Error>;
}

/// One virtual CPU.
pub trait Vcpu: Send {
    /// Its way of being interrupted.
    type Kicker: Kicker;

    /// Binds the vCPU to the calling thread; called once, before the first `run`. Backends whose
    /// vCPUs belong to a thread (HVF) create the real one here.
    ///
    /// # Errors
    /// [`Error::Call`].
    fn attach(&mut self) -> Result<(), Error>;

    /// Runs guest code until something needs attention.
    ///
    /// # Errors
    /// [`Error::Stuck`] when the guest can never go on, [`Error::Call`] for the rest.
    fn run(&mut self, entry: VmEntry) -> Result<VmExit, Error>;

    /// A handle by which another thread makes `run` return [`VmExit::Interrupted`].
    fn kicker(&self) -> Self::Kicker;
}

/// Makes a vCPU leave the guest.
pub trait Kicker: Send {
    /// The current or the next `run` returns [`VmExit::Interrupted`]; no kick is lost. Does
    /// nothing once the vCPU is dropped. Callers first publish what they want, then kick.
    fn kick(&self);
}
