#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "test support: what does not hold ends the test"
)]
//! A fake driver for tests of devices: it lays out rings in guest memory of its own, publishes
//! chains, rings doorbells and collects what comes back.
//!
//! ```no_run
//! use virtio_devices::testing::Driver;
//! # fn device() -> Box<dyn virtio_devices::device::VirtioDevice> { unimplemented!() }
//! let mut driver = Driver::new(&[64], 1 << 32);
//! let mut device = device();
//! device.activate(driver.activation()).unwrap();
//! let used = driver.request(0, &[b"header", b"body"], &[16]);
//! assert_eq!(used.written, 16);
//! ```

mod interrupt;
mod random;
mod ring;

use std::sync::Arc;
use std::time::{Duration, Instant};

use vm_memory::{Bytes, GuestAddress};

use crate::Memory;
use crate::device::{Activation, ActiveQueue};
use crate::event::Event;
use crate::queue::Queue;
pub use interrupt::RecordingInterrupt;
pub use random::Random;
pub use ring::{INDIRECT, NEXT, Ring, WRITE};

/// Bytes of the memory that [`Driver::new`] makes; it starts at guest address zero.
pub const MEMORY_SIZE: usize = 16 << 20;
/// Guest address of the first queue's tables.
const RINGS: u64 = 0x1000;
/// Guest address of the first buffer.
const BUFFERS: u64 = 0x10_0000;
/// How long a test waits for what must come, before it gives up.
const PATIENCE: Duration = Duration::from_secs(20);

/// Anonymous guest memory of `size` bytes at address zero.
#[must_use]
pub fn memory(size: usize) -> Arc<Memory> {
    Arc::new(Memory::from_ranges(&[(GuestAddress(0), size)]).unwrap())
}

/// A chain that the device gave back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Used {
    /// First descriptor of the chain.
    pub head: u16,
    /// Bytes that the device says it wrote.
    pub written: u32,
    /// Contents of all writable buffers, written or not, one after the other; those that a
    /// hostile test put outside memory are left out.
    pub data: Vec<u8>,
}

impl Used {
    /// The bytes that the device says it wrote.
    #[must_use]
    pub fn answer(&self) -> &[u8] {
        &self.data[..self.written as usize]
    }
}

/// The fake driver.
pub struct Driver {
    /// Guest memory.
    pub memory: Arc<Memory>,
    /// Where the device's interrupts arrive.
    pub interrupt: Arc<RecordingInterrupt>,
    /// The driver's side of each queue.
    pub rings: Vec<Ring>,
    features: u64,
    doorbells: Vec<Event>,
    next_buffer: u64,
}

impl Driver {
    /// A driver of a device with queues of these sizes (powers of two, at most 1024), that
    /// negotiated `features`.
    #[must_use]
    pub fn new(queue_sizes: &[u16], features: u64) -> Self {
        Self::with_memory(memory(MEMORY_SIZE), queue_sizes, features)
    }

    /// The same in memory that the test brings, of at least 2 MiB from address zero.
    #[must_use]
    pub fn with_memory(memory: Arc<Memory>, queue_sizes: &[u16], features: u64) -> Self {
        let ring = |(index, size): (usize, &u16)| {
            Ring::new(RINGS + Ring::STRIDE * index as u64, *size, memory.clone())
        };
        Self {
            rings: queue_sizes.iter().enumerate().map(ring).collect(),
            doorbells: queue_sizes.iter().map(|_| Event::new().unwrap()).collect(),
            interrupt: Arc::new(RecordingInterrupt::default()),
            memory,
            features,
            next_buffer: BUFFERS,
        }
    }

    /// What a device gets from a transport when this driver says `DRIVER_OK`: every queue, at
    /// its start.
    #[must_use]
    pub fn activation(&self) -> Activation {
        let queues = (0..self.rings.len())
            .map(|index| ActiveQueue {
                index: u16::try_from(index).unwrap(),
                queue: self.queue(u16::try_from(index).unwrap()),
                doorbell: self.doorbells[index].try_clone().unwrap(),
            })
            .collect();
        Activation {
            memory: self.memory.clone(),
            features: self.features,
            interrupt: self.interrupt.clone(),
            queues,
        }
    }

    /// The device's side of queue `index`, at its start.
    #[must_use]
    pub fn queue(&self, index: u16) -> Queue {
        self.rings[usize::from(index)].queue(self.features)
    }

    /// Reserves `length` bytes of guest memory, 16-byte aligned, and returns their address.
    pub fn alloc(&mut self, length: usize) -> u64 {
        if self.rings.iter().all(Ring::is_idle) {
            self.next_buffer = BUFFERS;
        }
        self.alloc_kept(length)
    }

    fn alloc_kept(&mut self, length: usize) -> u64 {
        let address = self.next_buffer;
        self.next_buffer = (address + length as u64).next_multiple_of(16);
        address
    }

    /// Publishes a chain of readable buffers with these contents, then writable ones of these
    /// lengths, zeroed, without notifying. Returns its head.
    pub fn add(&mut self, queue: u16, readable: &[&[u8]], writable: &[usize]) -> u16 {
        if self.rings.iter().all(Ring::is_idle) {
            self.next_buffer = BUFFERS;
        }
        let mut buffers = Vec::new();
        for data in readable {
            let address = self.alloc_kept(data.len());
            self.memory.write_slice(data, GuestAddress(address)).unwrap();
            buffers.push((address, u32::try_from(data.len()).unwrap(), 0));
        }
        for length in writable {
            let address = self.alloc_kept(*length);
            let zeros = vec![0; *length];
            self.memory.write_slice(&zeros, GuestAddress(address)).unwrap();
            buffers.push((address, u32::try_from(*length).unwrap(), WRITE));
        }
        self.rings[usize::from(queue)].add(&buffers)
    }

    /// Notifies the device of queue `queue`.
    pub fn ring(&self, queue: u16) {
        self.doorbells[usize::from(queue)].signal().unwrap();
    }

    /// Publishes a chain and notifies. Returns its head.
    pub fn send(&mut self, queue: u16, readable: &[&[u8]], writable: &[usize]) -> u16 {
        let head = self.add(queue, readable, writable);
        self.ring(queue);
        head
    }

    /// The next chain that came back, if one did.
    pub fn used(&mut self, queue: u16) -> Option<Used> {
        self.rings[usize::from(queue)].used()
    }

    /// Waits for the next chain to come back. Panics when none does for a long time.
    pub fn wait(&mut self, queue: u16) -> Used {
        let start = Instant::now();
        loop {
            if let Some(used) = self.used(queue) {
                return used;
            }
            assert!(start.elapsed() < PATIENCE, "no answer on queue {queue}");
            self.interrupt.sleep(Duration::from_millis(2));
        }
    }

    /// Publishes a chain, notifies, and waits for the next one to come back.
    pub fn request(&mut self, queue: u16, readable: &[&[u8]], writable: &[usize]) -> Used {
        self.send(queue, readable, writable);
        self.wait(queue)
    }
}

#[cfg(test)]
#[path = "testing_test.rs"]
mod tests;
