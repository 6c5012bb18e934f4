//! Kernel, initrd and command line into guest memory.
//!
//! Images come from the user, so they are trusted, but they may be corrupt or simply the wrong
//! file: each is checked first, with bounded work, and an error says what was found. File
//! contents go straight into guest memory.

pub mod aarch64;
#[cfg(target_arch = "x86_64")]
pub mod bzimage;
pub mod cmdline;
#[cfg(target_arch = "x86_64")]
pub mod elf;
pub mod initrd;
mod place;
#[cfg(target_arch = "x86_64")]
pub mod x86_64;

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use vm_memory::GuestMemoryError;

#[cfg(target_arch = "x86_64")]
use crate::arch::x86_64::acpi;

/// Largest kernel file.
pub const KERNEL_MAX: u64 = 512 << 20;

/// Why nothing can be booted.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The kernel is not one that can be started.
    #[error("the kernel cannot be used: it is {found}; give {wanted}")]
    NotAKernel {
        /// What it is instead.
        found: String,
        /// What would do.
        wanted: &'static str,
    },
    /// The kernel's own structures contradict themselves.
    #[error("the kernel image is corrupt: {0}; get it again")]
    Corrupt(&'static str),
    /// The loader refused.
    #[cfg(target_arch = "x86_64")]
    #[error("the kernel image could not be loaded")]
    Load(#[source] linux_loader::loader::Error),
    /// A file could not be read.
    #[error("{what} cannot be read")]
    Read {
        /// Which one.
        what: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Memory is too small for what has to go into it.
    #[error(
        "{have_mib} MiB of memory are too little for kernel and initrd, at least {need_mib} MiB are needed; give more with -m"
    )]
    TooLittleMemory {
        /// Memory of the machine.
        have_mib: u64,
        /// Memory that would do.
        need_mib: u64,
    },
    /// The command line is too long or not text a kernel can take.
    #[error("the kernel command line {0}")]
    CommandLine(&'static str),
    /// Guest memory refused.
    #[error("boot structures could not be written to guest memory")]
    Memory(#[from] GuestMemoryError),
    /// No device tree.
    #[error("the device tree could not be made")]
    DeviceTree(#[from] vm_fdt::Error),
    /// The host gave no random bytes.
    #[error("the host has no random bytes for the kernel to start with")]
    Random(#[source] io::Error),
    /// No firmware tables.
    #[cfg(target_arch = "x86_64")]
    #[error(transparent)]
    Acpi(#[from] acpi::Error),
}

/// Everything that goes into guest memory before the first instruction.
pub struct Payload<'a> {
    /// Kernel image.
    pub kernel: &'a mut File,
    /// Initial RAM file systems, one after the other.
    pub initrd: &'a [File],
    /// Kernel command line.
    pub cmdline: &'a str,
    /// How many vCPUs there are.
    pub cpus: u8,
    /// Registers and interrupt line of each virtio device.
    pub virtio: &'a [(u64, u32)],
}

/// What a file that is no kernel looks like.
fn identify(head: &[u8]) -> &'static str {
    let at = |offset: usize, magic: &[u8]| head.get(offset..).is_some_and(|r| r.starts_with(magic));
    if head.is_empty() {
        "an empty file"
    } else if at(0, b"MZ") && at(4, b"zimg") {
        "a compressed EFI kernel (zboot)"
    } else if at(56, b"ARM\x64") {
        "a kernel for aarch64"
    } else if at(0x202, b"HdrS") {
        "a kernel for x86-64 (bzImage)"
    } else if at(0, b"\x1f\x8b") || at(0, b"\xfd7zXZ") || at(0, b"\x28\xb5\x2f\xfd") {
        "a compressed file"
    } else if at(0, b"070701") {
        "a cpio archive (an initrd?)"
    } else if at(0, b"MZ") {
        "a PE program without Linux' boot header"
    } else if at(0, b"#!") {
        "a script"
    } else if head.iter().take(64).all(|byte| *byte == 0) {
        "full of zeros"
    } else {
        "of no known kind"
    }
}

fn file_length(file: &File, what: &'static str) -> Result<u64, Error> {
    file.metadata().map(|meta| meta.len()).map_err(|source| Error::Read { what, source })
}

fn read_kernel(source: io::Error) -> Error {
    Error::Read { what: "the kernel", source }
}

/// Fills `buffer` from `offset` as far as the file goes.
fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut done = 0;
    while done < buffer.len() {
        match file.read_at(&mut buffer[done..], offset + done as u64) {
            Ok(0) => break,
            Ok(read) => done += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

/// The error of a machine whose memory ends before `needed`.
fn too_little(size: u64, needed: u64) -> Error {
    const MIB: u64 = 1 << 20;
    Error::TooLittleMemory { have_mib: size / MIB, need_mib: needed.div_ceil(MIB) }
}
