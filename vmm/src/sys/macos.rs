//! macOS.

#![expect(unsafe_code, reason = "calls of the C library")]

use std::fs::File;
use std::io;
use std::mem;
use std::os::fd::OwnedFd;

use rustix::event::PollFlags;
use virtio_devices::device::VirtioDevice;
use vm_memory::mmap::MmapRegionBuilder;
use vm_memory::{GuestAddress, GuestRegionMmap};

use crate::Memory;
use crate::machine::{Error, VhostUserSpec};

/// What a poll asks and shows for a socket whose other end has gone: that is shown unasked.
pub(crate) const PEER_CLOSED: PollFlags = PollFlags::empty();

/// Fills `data` from the kernel's generator.
pub(crate) fn fill_random(data: &mut [u8]) -> io::Result<()> {
    // SAFETY: writes as many bytes as the slice has.
    unsafe { libc::arc4random_buf(data.as_mut_ptr().cast(), data.len()) };
    Ok(())
}

/// Bytes of memory that the host has. Swap files come and go.
pub(crate) fn host_memory() -> u64 {
    let mut size = 0u64;
    let mut length = mem::size_of::<u64>();
    // SAFETY: the name ends in NUL, and the value has as many bytes as `length` says.
    let result = unsafe {
        libc::sysctlbyname(
            c"hw.memsize".as_ptr(),
            (&raw mut size).cast(),
            &raw mut length,
            std::ptr::null_mut(),
            0,
        )
    };
    if result == 0 { size } else { u64::MAX }
}

/// There is no way for the kernel to copy from file to memory.
pub(crate) fn copy_file(
    _file: &File,
    _offset: u64,
    _target: &File,
    _at: u64,
    _length: u64,
) -> io::Result<bool> {
    Ok(false)
}

/// Guest memory without a file: one process serves everything.
pub(crate) struct Backing;

impl Backing {
    pub(crate) fn new(_size: u64) -> Result<Self, Error> {
        Ok(Backing)
    }

    /// Zeros at guest-physical `start`, the host's only once they are touched.
    pub(crate) fn region(
        &self,
        _offset: u64,
        start: u64,
        length: u64,
    ) -> Result<GuestRegionMmap, Error> {
        let failed = |source| Error::Memory { call: "mmap", source };
        let invalid = || failed(io::ErrorKind::OutOfMemory.into());
        let size = usize::try_from(length).map_err(|_| invalid())?;
        let mapping = MmapRegionBuilder::new(size)
            .with_mmap_prot(libc::PROT_READ | libc::PROT_WRITE)
            .with_mmap_flags(libc::MAP_PRIVATE | libc::MAP_ANON | libc::MAP_NORESERVE)
            .build()
            .map_err(|error| failed(io::Error::other(error)))?;
        GuestRegionMmap::new(mapping, GuestAddress(start)).ok_or_else(invalid)
    }
}

/// There are no huge pages to ask for.
pub(crate) fn populate(_memory: &Memory, _start: u64, _end: u64) {}

/// Devices of other processes take guest memory that is a file.
pub(crate) fn vhost_user(spec: VhostUserSpec) -> Result<(Box<dyn VirtioDevice>, OwnedFd), Error> {
    let source = io::Error::from(io::ErrorKind::Unsupported);
    Err(Error::Device { name: spec.name, source: Box::new(source) })
}
