//! PVH start info (Xen `public/arch-x86/hvm/start_info.h`, version 1).

use vm_memory::{Bytes, GuestAddress, GuestMemoryError};

use super::{layout, memory_map::Entry};
use crate::Memory;

const MAGIC: u32 = 0x336e_c578;
const VERSION: u32 = 1;

/// Where the loaded pieces are.
pub struct StartInfo<'a> {
    /// The initrd's address and size, if there is one.
    pub initrd: Option<(u64, u64)>,
    /// ACPI root pointer.
    pub rsdp: u64,
    /// Memory map, at most 16 entries.
    pub map: &'a [Entry],
}

impl StartInfo<'_> {
    /// Writes start info, module list and memory map; answers the start info's address.
    ///
    /// # Errors
    /// Guest memory does not reach that far.
    pub fn write(&self, memory: &Memory) -> Result<u64, GuestMemoryError> {
        let modules = u32::from(self.initrd.is_some());
        let entries = u32::try_from(self.map.len()).unwrap_or(0);
        let module_list = if modules == 0 { 0 } else { layout::MODULE_LIST };

        let mut info = Vec::with_capacity(56);
        for word in [MAGIC, VERSION, 0, modules] {
            info.extend_from_slice(&word.to_le_bytes());
        }
        for address in [module_list, layout::COMMAND_LINE, self.rsdp, layout::MEMORY_MAP] {
            info.extend_from_slice(&address.to_le_bytes());
        }
        for word in [entries, 0] {
            info.extend_from_slice(&word.to_le_bytes());
        }
        memory.write_slice(&info, GuestAddress(layout::START_INFO))?;

        if let Some((address, size)) = self.initrd {
            let module = [address, size, 0, 0].map(u64::to_le_bytes).concat();
            memory.write_slice(&module, GuestAddress(layout::MODULE_LIST))?;
        }
        let mut map = Vec::with_capacity(24 * self.map.len());
        for entry in self.map {
            map.extend_from_slice(&entry.start.to_le_bytes());
            map.extend_from_slice(&entry.size.to_le_bytes());
            map.extend_from_slice(&u64::from(entry.kind as u8).to_le_bytes());
        }
        memory.write_slice(&map, GuestAddress(layout::MEMORY_MAP))?;
        Ok(layout::START_INFO)
    }
}

#[cfg(test)]
#[path = "pvh_test.rs"]
mod tests;
