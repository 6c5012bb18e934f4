//! bzImage kernels (vmlinuz), entered by their 64-bit entry (Linux `boot.rst`).

use std::fs::File;

use linux_loader::loader::bootparam::setup_header;
use linux_loader::loader::{BzImage, KernelLoader};
use vm_memory::GuestAddress;

use super::x86_64::{Kernel, Start, not_a_kernel};
use super::{Error, too_little};
use crate::Memory;
use crate::arch::x86_64::layout;

/// Bytes at the start of the file that contain the whole setup header.
pub const HEAD: usize = 0x290;

const MAGIC: usize = 0x202;
const HEADER: usize = 0x1f1;
/// The jump over the header; its distance says where the header ends.
const JUMP_DISTANCE: usize = 0x201;
/// Protocol of Linux 3.8, the first with a 64-bit entry that says so.
const PROTOCOL_MIN: u16 = 0x020c;
const XLF_KERNEL_64: u16 = 1;
/// The 64-bit entry is this far into the loaded image.
const ENTRY_64: u64 = 0x200;

/// Whether the file that begins with `head` has Linux' boot header.
#[must_use]
pub fn is_one(head: &[u8]) -> bool {
    head.get(MAGIC..MAGIC + 4) == Some(b"HdrS")
}

/// Loads the compressed kernel; it unpacks itself.
///
/// # Errors
/// [`Error`].
pub fn load(
    memory: &Memory,
    size: u64,
    file: &mut File,
    length: u64,
    head: &[u8],
) -> Result<Kernel, Error> {
    if head.len() < HEAD {
        return Err(Error::Corrupt("the file ends within its boot header"));
    }
    if length > layout::low_end(size) {
        return Err(too_little(size, length));
    }
    let start = Some(GuestAddress(layout::HIGH_RAM));
    let loaded = BzImage::load(memory, start, file, None).map_err(Error::Load)?;
    let header: setup_header =
        loaded.setup_header.ok_or(Error::Corrupt("it has no boot header"))?;
    // The structure is packed: copies, not references.
    let (version, flags) = (header.version, header.xloadflags);
    if version < PROTOCOL_MIN || flags & XLF_KERNEL_64 == 0 {
        return Err(not_a_kernel("a 32-bit or very old kernel"));
    }
    let truncated = u64::from(header.syssize) * 16 > loaded.kernel_end - layout::HIGH_RAM + 16;
    if truncated {
        return Err(Error::Corrupt("the file is shorter than its boot header says"));
    }
    // It unpacks to its preferred address and needs `init_size` bytes there.
    let unpacked = header
        .pref_address
        .checked_add(u64::from(header.init_size))
        .filter(|end| *end <= layout::HOLE)
        .ok_or(Error::Corrupt("its preferred address lies outside of memory"))?;
    let end = unpacked.max(loaded.kernel_end);
    if end > layout::low_end(size) {
        return Err(too_little(size, end));
    }
    Ok(Kernel {
        start: Start::Linux64 {
            address: layout::HIGH_RAM + ENTRY_64,
            header: head[HEADER..header_end(head)].to_vec(),
        },
        end,
        initrd_limit: u64::from(header.initrd_addr_max).saturating_add(1),
    })
}

/// The header ends where the jump over it leads.
fn header_end(head: &[u8]) -> usize {
    let end = JUMP_DISTANCE + 1 + usize::from(head[JUMP_DISTANCE]);
    end.clamp(MAGIC + 4, HEAD)
}
