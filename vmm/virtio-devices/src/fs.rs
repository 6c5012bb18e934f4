//! The virtio-fs device (virtio 1.3, 5.11): a directory of the host, served to the guest's FUSE
//! driver.
//!
//! ```text
//!   queue ─▶ worker ─▶ server ─▶ decode: bytes ▶ Operation (every name checked here)
//!                        └─────▶ passthrough: nodes, handles, locks ─▶ the shared directory
//! ```
//!
//! The guest is an attacker with the caller's rights inside the share and none outside. See
//! [`passthrough`] for the rules that keep it there.

pub mod cache;
mod config;
pub mod decode;
pub mod errno;
#[doc(hidden)]
pub mod fuzzing;
#[cfg(test)]
mod guest;
pub mod hole;
pub mod message;
pub mod name;
pub mod opcode;
pub mod passthrough;
#[doc(hidden)]
pub mod plain;
#[doc(hidden)]
pub mod scratch;
pub mod server;
pub mod spelling;
pub mod sys;
pub mod wire;
mod worker;

use std::io;
use std::sync::Arc;

pub use config::{FsConfig, MAX_TAG};
pub use sys::Host;
use virtio_bindings::virtio_ids::VIRTIO_ID_FS;
use worker::FsHandler;

use crate::Memory;
use crate::device::{ActivateError, Activation, ActiveQueue, VirtioDevice};
use crate::queue::features;
use crate::worker::Slot;

/// Device type (virtio 1.3, section 5).
pub const DEVICE_TYPE: u32 = VIRTIO_ID_FS;

/// Number of request queues. One worker serves them all, so that more would only cost.
pub const REQUEST_QUEUES: u32 = 1;
/// The high priority queue and the request queue. The latter holds a request of one MiB in
/// single pages even without indirect descriptors; QEMU knows only one size for both.
pub const QUEUE_SIZES: [u16; 2] = [1024, 1024];

const _: () = assert!(QUEUE_SIZES.len() == 1 + REQUEST_QUEUES as usize);

/// A virtio-fs device.
pub struct Fs {
    /// Configuration space (virtio 1.3, 5.11.4): the tag, and the number of request queues.
    config: [u8; MAX_TAG + 4],
    handler: Slot<FsHandler>,
    /// Guest memory while it runs, to answer whoever waits when it stops.
    memory: Option<Arc<Memory>>,
}

impl Fs {
    /// Makes a device that serves a directory.
    ///
    /// # Errors
    /// `InvalidInput` for a tag that is empty or too long; the root is no directory or cannot be
    /// looked at; the process's umask is not to be had.
    pub fn new(config: FsConfig) -> io::Result<Self> {
        let tag = config.tag.as_bytes();
        if tag.is_empty() || tag.len() > MAX_TAG || tag.contains(&0) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("the share's tag {:?} is not 1 to {MAX_TAG} bytes", config.tag),
            ));
        }
        let mut space = [0; MAX_TAG + 4];
        let queues = REQUEST_QUEUES.to_le_bytes();
        for (to, from) in space.iter_mut().zip(tag) {
            *to = *from;
        }
        for (to, from) in space.iter_mut().skip(MAX_TAG).zip(queues) {
            *to = from;
        }
        Ok(Self {
            config: space,
            handler: Slot::new(FsHandler::new(config.into_server()?)),
            memory: None,
        })
    }
}

impl VirtioDevice for Fs {
    fn device_type(&self) -> u32 {
        DEVICE_TYPE
    }

    fn queue_sizes(&self) -> &[u16] {
        &QUEUE_SIZES
    }

    fn features(&self) -> u64 {
        features::ALL
    }

    fn read_config(&self, offset: u64, data: &mut [u8]) {
        data.fill(0);
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        let space = self.config.get(offset..).unwrap_or_default();
        for (to, from) in data.iter_mut().zip(space) {
            *to = *from;
        }
    }

    fn activate(&mut self, activation: Activation) -> Result<(), ActivateError> {
        for index in [0, 1] {
            if !activation.queues.iter().any(|queue| queue.index == index) {
                return Err(ActivateError::MissingQueue(index));
            }
        }
        if let Some(handler) = self.handler.idle() {
            handler.restarted();
        }
        let memory = Arc::clone(&activation.memory);
        self.handler.start("fs", activation)?;
        self.memory = Some(memory);
        Ok(())
    }

    fn reset(&mut self) -> Vec<ActiveQueue> {
        let mut queues = self.handler.stop();
        if let (Some(memory), Some(handler)) = (self.memory.take(), self.handler.idle()) {
            handler.give_up(&memory, &mut queues);
        }
        queues
    }
}

#[cfg(test)]
#[path = "fs_test.rs"]
mod tests;
