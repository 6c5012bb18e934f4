//! The balloon's two kinds of requests.

use super::guest::{MEMORY, guest};
use crate::balloon::{inflate, report};

/// A queue from raw bytes; each chain is taken as page numbers and as a report.
pub fn fuzz_balloon(data: &[u8]) {
    let Some(mut guest) = guest(data) else {
        return;
    };
    guest.serve(|chain, memory| {
        let freed = inflate(chain, memory)?;
        assert!(freed <= 4 * chain.readable_len() as u64 * MEMORY as u64);
        report(chain, memory);
        Ok(0)
    });
    let regions = vm_memory::GuestMemoryBackend::iter(&*guest.memory);
    let file = regions.filter_map(vm_memory::GuestMemoryRegion::file_offset).next();
    let length = file.and_then(|file| file.file().metadata().ok());
    assert!(length.is_some_and(|file| file.len() == MEMORY as u64));
}
