//! The block device (virtio 1.3, 5.2): a disk image that can only be read.
//!
//! Reads go from the image straight into guest memory, in the order in which they come: the
//! image is in the host's page cache, shared by every machine that runs from it.

mod request;

use std::fs::File;
use std::io::{self, Seek, SeekFrom};

use crate::device::{ActivateError, Activation, ActiveQueue, VirtioDevice};
use crate::queue::features;
use crate::worker::{Context, Handler, Slot, WorkError};
pub(crate) use request::Disk;

/// `VIRTIO_ID_BLOCK`.
const DEVICE_TYPE: u32 = 2;
/// Requests have up to 254 pieces of data, a header and a status.
const QUEUE_SIZES: [u16; 1] = [256];
const SEGMENTS: u32 = 254;
/// Bytes of a sector, whatever the block size (5.2.4).
pub const SECTOR: u64 = 512;

/// `VIRTIO_BLK_F_SEG_MAX`.
const F_SEG_MAX: u64 = 1 << 2;
/// `VIRTIO_BLK_F_RO`.
const F_RO: u64 = 1 << 5;
/// `VIRTIO_BLK_F_BLK_SIZE`.
const F_BLK_SIZE: u64 = 1 << 6;

/// The read-only block device.
pub struct Blk {
    slot: Slot<Server>,
    config: [u8; 24],
}

struct Server {
    disk: Disk,
}

impl Blk {
    /// Serves `file`, a disk image or a block device whose length is a multiple of [`SECTOR`].
    /// It need not be open for writing. The image must not shrink; reads past its end then fail.
    ///
    /// # Errors
    /// `InvalidInput` for another length; else what the host says about the file.
    pub fn new(mut file: File) -> io::Result<Self> {
        let length = file.seek(SeekFrom::End(0))?;
        if length % SECTOR != 0 {
            let text = "the disk image's length is no multiple of 512 bytes; build it again";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        let sectors = length / SECTOR;
        Ok(Self {
            slot: Slot::new(Server { disk: Disk { file, sectors } }),
            config: config(sectors),
        })
    }

    /// Length of the disk in sectors of 512 bytes.
    #[must_use]
    pub fn sectors(&self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.config;
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }
}

/// `struct virtio_blk_config` up to `blk_size` (5.2.4); the fields between belong to features
/// that are not offered.
fn config(sectors: u64) -> [u8; 24] {
    let mut config = [0; 24];
    config[..8].copy_from_slice(&sectors.to_le_bytes());
    config[12..16].copy_from_slice(&SEGMENTS.to_le_bytes());
    config[20..].copy_from_slice(&512_u32.to_le_bytes());
    config
}

impl VirtioDevice for Blk {
    fn device_type(&self) -> u32 {
        DEVICE_TYPE
    }

    fn queue_sizes(&self) -> &[u16] {
        &QUEUE_SIZES
    }

    fn features(&self) -> u64 {
        features::ALL | F_RO | F_SEG_MAX | F_BLK_SIZE
    }

    fn read_config(&self, offset: u64, data: &mut [u8]) {
        crate::device::read_config_bytes(&self.config, offset, data);
    }

    fn activate(&mut self, activation: Activation) -> Result<(), ActivateError> {
        if activation.queues.is_empty() {
            return Err(ActivateError::MissingQueue(0));
        }
        self.slot.start("blk", activation)
    }

    fn reset(&mut self) -> Vec<ActiveQueue> {
        self.slot.stop()
    }
}

impl Handler for Server {
    fn queue(&mut self, context: &mut Context, index: u16) -> Result<(), WorkError> {
        context.drain(index, |chain, memory| self.disk.serve(chain, memory))
    }
}

#[cfg(test)]
#[path = "blk_test.rs"]
mod tests;
