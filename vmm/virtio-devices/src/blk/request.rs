//! One request (virtio 1.3, 5.2.6).

use std::fs::File;

use super::SECTOR;
use crate::Memory;
use crate::queue::{Chain, QueueError, Reader, Writer};

/// Bytes of type, reserved field and sector.
const HEADER: usize = 16;

/// `VIRTIO_BLK_T_IN`.
const IN: u32 = 0;
/// `VIRTIO_BLK_T_OUT`.
const OUT: u32 = 1;
/// `VIRTIO_BLK_T_FLUSH`.
const FLUSH: u32 = 4;
/// `VIRTIO_BLK_T_GET_ID`.
const GET_ID: u32 = 8;

/// `VIRTIO_BLK_S_OK`.
const S_OK: u8 = 0;
/// `VIRTIO_BLK_S_IOERR`.
const S_IOERR: u8 = 1;
/// `VIRTIO_BLK_S_UNSUPP`.
const S_UNSUPP: u8 = 2;

/// What a disk says its name is, padded with zeros (5.2.6: 20 bytes).
const ID: [u8; 20] = *b"qvm\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

/// The image.
pub(crate) struct Disk {
    pub(crate) file: File,
    pub(crate) sectors: u64,
}

impl Disk {
    /// Answers a request; returns the number of bytes written. One without room for a status
    /// cannot be answered and goes back as it came.
    pub(crate) fn serve(&self, chain: &Chain, memory: &Memory) -> Result<u32, QueueError> {
        let reader = chain.reader(memory)?;
        let mut data = chain.writer(memory)?;
        let Some(room) = data.remaining().checked_sub(1) else {
            return Ok(0);
        };
        let mut status = data.split_at(room)?;
        status.write_all(&[self.answer(reader, &mut data)])?;
        // A failed read leaves a gap before the status; drivers look at the status first.
        let written = data.written().saturating_add(status.written());
        Ok(u32::try_from(written).unwrap_or(u32::MAX))
    }

    fn answer(&self, mut reader: Reader<'_>, data: &mut Writer<'_>) -> u8 {
        let mut header = [0; HEADER];
        if reader.read_exact(&mut header).is_err() {
            return S_IOERR;
        }
        let header = u128::from_le_bytes(header);
        #[expect(clippy::cast_possible_truncation, reason = "takes the fields apart")]
        let (kind, sector) = (header as u32, (header >> 64) as u64);
        match kind {
            IN => self.read(sector, data),
            // The disk is read-only (5.2.5.1).
            OUT => S_IOERR,
            // Nothing is ever written that could be flushed.
            FLUSH => S_OK,
            GET_ID => {
                let id = ID.get(..data.remaining().min(ID.len())).unwrap_or_default();
                data.write_all(id).map_or(S_IOERR, |()| S_OK)
            }
            _ => S_UNSUPP,
        }
    }

    fn read(&self, sector: u64, data: &mut Writer<'_>) -> u8 {
        let count = data.remaining();
        let Some(offset) = self.offset(sector, count) else {
            return S_IOERR;
        };
        match data.write_from_file_at(&self.file, count, offset) {
            Ok(moved) if moved == count => S_OK,
            _ => S_IOERR,
        }
    }

    /// Where a read of `count` bytes begins, if it is of whole sectors and inside the disk.
    fn offset(&self, sector: u64, count: usize) -> Option<u64> {
        let count = u64::try_from(count).ok()?;
        let end = sector.checked_add(count / SECTOR)?;
        if count % SECTOR != 0 || end > self.sectors {
            return None;
        }
        sector.checked_mul(SECTOR)
    }
}
