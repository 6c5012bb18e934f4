//! The block device's requests.

use super::guest::guest;
use crate::blk::{Disk, SECTOR};
use crate::sys;

/// Sectors of the disk: three pages of zeros.
const SECTORS: u64 = 24;

/// A queue of requests from raw bytes, on a small disk.
pub fn fuzz_blk(data: &[u8]) {
    let (Some(mut guest), Ok(file)) = (guest(data), sys::memory_file("disk", SECTORS * SECTOR))
    else {
        return;
    };
    let disk = Disk { file, sectors: SECTORS };
    guest.serve(|chain, memory| disk.serve(chain, memory));
}
