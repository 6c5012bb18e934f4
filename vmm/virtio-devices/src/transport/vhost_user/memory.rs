//! Guest memory as the monitor hands it over: regions of files, each with its guest address and
//! with the address at which the monitor itself sees it.

use std::fs::File;
use std::io;
use std::sync::Arc;

use vhost::vhost_user::message::VhostUserMemoryRegion;
use vm_memory::{FileOffset, GuestAddress, GuestMemoryRegion, GuestRegionMmap};

use super::MemoryError;
use crate::Memory;

/// How one region appears to the monitor.
#[derive(Debug, Clone, Copy)]
struct View {
    monitor: u64,
    guest: u64,
    size: u64,
}

/// A mapped memory table.
#[derive(Debug)]
pub(super) struct Table {
    memory: Arc<Memory>,
    views: Vec<View>,
}

impl Table {
    /// Maps `regions`, each from the file at the same place in `files`.
    pub(super) fn map(
        regions: &[VhostUserMemoryRegion],
        files: Vec<File>,
    ) -> Result<Self, MemoryError> {
        let mut views = Vec::with_capacity(regions.len());
        let mut mapped = Vec::with_capacity(regions.len());
        for (region, file) in regions.iter().zip(files) {
            let (view, region) = map_region(region, file)?;
            views.push(view);
            mapped.push(region);
        }
        mapped.sort_by_key(GuestMemoryRegion::start_addr);
        let memory =
            Memory::from_regions(mapped).map_err(|error| MemoryError::Layout(error.to_string()))?;
        Ok(Self { memory: Arc::new(memory), views })
    }

    /// The guest's memory.
    pub(super) fn memory(&self) -> &Arc<Memory> {
        &self.memory
    }

    /// The guest address of what the monitor has at `address`, which need not be the start of a
    /// region; nothing where no region is.
    pub(super) fn translate(&self, address: u64) -> Option<u64> {
        self.views.iter().find_map(|view| {
            let offset = address.checked_sub(view.monitor)?;
            if offset >= view.size {
                return None;
            }
            view.guest.checked_add(offset)
        })
    }
}

fn map_region(
    region: &VhostUserMemoryRegion,
    file: File,
) -> Result<(View, GuestRegionMmap<()>), MemoryError> {
    let view =
        View { monitor: region.user_addr, guest: region.guest_phys_addr, size: region.memory_size };
    let offset = region.mmap_offset;
    let past_end = MemoryError::PastEnd { offset, size: view.size };
    let metadata = file.metadata().map_err(MemoryError::Map)?;
    if !metadata.is_file() {
        return Err(MemoryError::NotRegular);
    }
    if offset.checked_add(view.size).is_none_or(|end| end > metadata.len()) {
        return Err(past_end);
    }
    let size = usize::try_from(view.size).map_err(|_| past_end)?;
    let file = FileOffset::new(file, offset);
    let region = GuestRegionMmap::from_range(GuestAddress(view.guest), size, Some(file))
        .map_err(|error| MemoryError::Map(io::Error::other(error)))?;
    Ok((view, region))
}

#[cfg(test)]
#[path = "memory_test.rs"]
mod tests;
