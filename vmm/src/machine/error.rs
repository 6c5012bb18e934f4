//! Why a machine could not be built, or stopped in disorder.

use std::io;

use crate::{boot, bus, hypervisor};

/// Why there is no machine.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No hypervisor was handed in.
    #[error("the machine was given no open /dev/kvm")]
    NoKvm,
    /// A number of CPUs that no machine has.
    #[error("{0} CPUs are not possible; ask for 1 to 32")]
    Cpus(u8),
    /// Too little memory to start any kernel.
    #[error("{0} bytes of memory are too little; ask for at least 64 MiB")]
    MemoryTooSmall(u64),
    /// Not whole pages.
    #[error("{size} bytes of memory are no multiple of {page}; ask for whole pages of this host")]
    MemoryUneven {
        /// Bytes asked for.
        size: u64,
        /// Bytes of a page.
        page: u64,
    },
    /// More memory than a machine or this host can have.
    #[error("{wanted_mib} MiB of memory are too much: {limit_mib} MiB are {why}; ask for less")]
    MemoryTooLarge {
        /// What was asked for.
        wanted_mib: u64,
        /// What is possible.
        limit_mib: u64,
        /// Where the limit comes from.
        why: &'static str,
    },
    /// The host gave no memory.
    #[error("the host does not give the machine its memory ({call}); ask for less")]
    Memory {
        /// The call that failed.
        call: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Too many devices for the interrupt lines there are.
    #[error("{0} virtio devices are more than a machine has room for; share fewer folders")]
    TooManyDevices(usize),
    /// A device could not be made.
    #[error("the {name} device could not be made")]
    Device {
        /// Which one.
        name: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Two devices at one address.
    #[error(transparent)]
    Overlap(#[from] bus::Overlap),
    /// The hypervisor failed.
    #[error(transparent)]
    Hypervisor(#[from] hypervisor::Error),
    /// Nothing to boot.
    #[error(transparent)]
    Boot(#[from] boot::Error),
}

/// Why a running machine stopped in disorder.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A thread or an event could not be made.
    #[error("the machine could not start ({0})")]
    Start(&'static str, #[source] io::Error),
    /// A vCPU failed.
    #[error("CPU {cpu} of the machine failed")]
    Vcpu {
        /// Its number.
        cpu: u8,
        /// Why.
        #[source]
        source: hypervisor::Error,
    },
    /// The thread of a vCPU ended without a word, which only a defect of this program explains.
    #[error("CPU {0} of the machine ended unexpectedly; this is a defect of qvm")]
    VcpuLost(u8),
    /// The process that serves a device is gone.
    #[error("the process that serves the {0} device ended while the machine ran")]
    BackendGone(String),
    /// Waiting failed.
    #[error("waiting for the machine failed")]
    Wait(#[source] io::Error),
}
