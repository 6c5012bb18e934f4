#![allow(clippy::unwrap_used, reason = "test support: what does not hold ends the test")]
//! Both sides of a connection in one process, with a fake driver.

use std::fs::File;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread::JoinHandle;

use rustix::fs::MemfdFlags;
use vm_memory::{FileOffset, GuestAddress};

use super::{Error, serve};
use crate::Memory;
use crate::device::{Interrupt, VirtioDevice};
use crate::event::Event;
use crate::testing::RecordingInterrupt;

/// A file of `size` bytes in memory.
pub(super) fn memfd(size: u64) -> File {
    let file = File::from(rustix::fs::memfd_create("guest", MemfdFlags::CLOEXEC).unwrap());
    file.set_len(size).unwrap();
    file
}

/// Guest memory in two regions, the second far away, both shareable.
pub(super) fn shared_memory() -> Arc<Memory> {
    let file = Arc::new(memfd(24 << 20));
    let region = |start, size, offset| {
        let file = FileOffset::from_arc(file.clone(), offset);
        (GuestAddress(start), size, Some(file))
    };
    let regions = [region(0, 16 << 20, 8 << 20), region(1 << 32, 8 << 20, 0)];
    Arc::new(Memory::from_ranges_with_files(regions).unwrap())
}

/// An interrupt whose queues have events, as those of a hypervisor do.
pub(super) struct Events {
    pub(super) queues: Vec<Event>,
    pub(super) recording: RecordingInterrupt,
}

impl Events {
    pub(super) fn new(queues: usize) -> Arc<Self> {
        let event = |_| Event::new().unwrap();
        Arc::new(Self {
            queues: (0..queues).map(event).collect(),
            recording: RecordingInterrupt::default(),
        })
    }

    /// Whether queue `index` was interrupted since the last call.
    pub(super) fn take(&self, index: usize) -> bool {
        self.queues[index].take().is_ok()
    }
}

impl Interrupt for Events {
    fn queue(&self, index: u16) {
        self.queues[usize::from(index)].signal().unwrap();
    }

    fn config(&self) {
        self.recording.config();
    }

    fn needs_reset(&self) {
        self.recording.needs_reset();
    }

    fn queue_event(&self, index: u16) -> Option<Event> {
        Some(self.queues[usize::from(index)].try_clone().unwrap())
    }
}

/// Serves a device on a thread, which ends when the socket is closed.
pub(super) fn backend(
    mut device: impl VirtioDevice + 'static,
) -> (UnixStream, JoinHandle<Result<(), Error>>) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let thread = std::thread::spawn(move || serve(&mut device, theirs));
    (ours, thread)
}
