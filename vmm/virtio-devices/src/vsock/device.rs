//! The device and its worker: packets between queues and muxer.

use std::sync::Arc;
use std::time::Instant;

use mio::Registry;

use super::HostPort;
use super::MAX_PAYLOAD;
use super::muxer::Muxer;
use super::packet::{HEADER_SIZE, Header, Op};
use crate::Memory;
use crate::device::{ActivateError, Activation, ActiveQueue, VirtioDevice, read_config_bytes};
use crate::queue::{Chain, QueueError, features};
use crate::worker::{Context, Handler, WorkError, Worker};

/// Device type (virtio 1.3, 5.10.1).
pub const DEVICE_TYPE: u32 = 19;
/// `VIRTIO_VSOCK_F_STREAM` (virtio 1.3, 5.10.3).
const FEATURE_STREAM: u64 = 1;

/// Packets to the guest (virtio 1.3, 5.10.2).
const RX: u16 = 0;
/// Packets from the guest.
const TX: u16 = 1;
/// Receive, transmit, event. Nothing is ever sent through the last: there is no migration.
pub const QUEUE_SIZES: [u16; 3] = [256, 256, 16];
/// Packets handled before the event loop gets its turn.
const PACKETS_A_TURN: u32 = 512;

/// The vsock device. See the [module's documentation](super).
pub struct Vsock {
    guest_cid: u64,
    ports: Arc<[HostPort]>,
    worker: Option<Worker<Packets>>,
}

impl Vsock {
    /// A device for the guest with address `guest_cid` (3 or more, below 2³² - 1), which may
    /// connect to `ports` only. Of two entries for one port the first counts.
    #[must_use]
    pub fn new(guest_cid: u64, ports: Vec<HostPort>) -> Self {
        Self { guest_cid, ports: ports.into(), worker: None }
    }
}

impl VirtioDevice for Vsock {
    fn device_type(&self) -> u32 {
        DEVICE_TYPE
    }

    fn queue_sizes(&self) -> &[u16] {
        &QUEUE_SIZES
    }

    fn features(&self) -> u64 {
        features::ALL | FEATURE_STREAM
    }

    /// `guest_cid`, eight bytes (virtio 1.3, 5.10.4).
    fn read_config(&self, offset: u64, data: &mut [u8]) {
        read_config_bytes(&self.guest_cid.to_le_bytes(), offset, data);
    }

    fn activate(&mut self, activation: Activation) -> Result<(), ActivateError> {
        for index in [RX, TX] {
            if !activation.queues.iter().any(|queue| queue.index == index) {
                return Err(ActivateError::MissingQueue(index));
            }
        }
        let packets = Packets {
            muxer: Muxer::new(self.guest_cid, Arc::clone(&self.ports)),
            spare: None,
            data: vec![0; MAX_PAYLOAD],
            scratch: vec![0; MAX_PAYLOAD],
        };
        let worker = Worker::spawn("vsock", packets, activation).map_err(ActivateError::Worker)?;
        self.worker = Some(worker);
        Ok(())
    }

    /// Ends each connection: the host's processes see the end of their streams.
    fn reset(&mut self) -> Vec<ActiveQueue> {
        let Some(stopped) = self.worker.take().and_then(Worker::stop) else {
            return Vec::new();
        };
        let mut queues = stopped.queues;
        let Packets { muxer, spare, mut scratch, .. } = stopped.handler;
        muxer.end(&mut scratch);
        if spare.is_some() {
            // It was taken and not used: the next to serve the queue begins with it.
            for active in queues.iter_mut().filter(|active| active.index == RX) {
                let position = active.queue.next_avail();
                active.queue.set_next_avail(position.wrapping_sub(1));
            }
        }
        queues
    }
}

/// The worker's part.
struct Packets {
    muxer: Muxer,
    /// A buffer of the guest's that turned out not to be needed yet.
    spare: Option<Chain>,
    /// The packet at hand.
    data: Vec<u8>,
    scratch: Vec<u8>,
}

impl Handler for Packets {
    fn queue(&mut self, context: &mut Context, _index: u16) -> Result<(), WorkError> {
        self.work(context)
    }

    fn event(&mut self, context: &mut Context, event: &mio::event::Event) -> Result<(), WorkError> {
        let token = event.token().0;
        self.muxer.event(token, event, &context.registry, &mut self.scratch);
        self.work(context)
    }

    fn deadline(&self) -> Option<Instant> {
        self.muxer.deadline()
    }

    fn expired(&mut self, context: &mut Context) -> Result<(), WorkError> {
        self.muxer.expire(Instant::now(), &context.registry, &mut self.scratch);
        self.work(context)
    }
}

impl Packets {
    /// Moves packets both ways until neither moves, or it is the event loop's turn.
    fn work(&mut self, context: &mut Context) -> Result<(), WorkError> {
        let mut left = PACKETS_A_TURN;
        for index in [RX, TX] {
            if let Some((active, memory)) = context.queue(index) {
                active.queue.disable_notifications(memory)?;
            }
        }
        loop {
            let before = left;
            self.fill(context, &mut left)?;
            self.drain(context, &mut left)?;
            if left == 0 {
                // Comes back here once the other events have been seen.
                if let Some((tx, _)) = context.queue(TX) {
                    tx.doorbell.signal()?;
                }
                break;
            }
            if left == before && !self.rest(context)? {
                break;
            }
        }
        context.signal(RX)?;
        context.signal(TX)?;
        Ok(())
    }

    /// Asks for notifications of what is waited for. True when some of it has just come.
    fn rest(&mut self, context: &mut Context) -> Result<bool, QueueError> {
        let mut more = false;
        if self.muxer.has_words() && self.spare.is_none() {
            if let Some((rx, memory)) = context.queue(RX) {
                more |= rx.queue.enable_notifications(memory)?;
            }
        }
        if self.muxer.accepts() {
            if let Some((tx, memory)) = context.queue(TX) {
                more |= tx.queue.enable_notifications(memory)?;
            }
        }
        Ok(more)
    }

    /// Fills the guest's buffers while there is something to say.
    fn fill(&mut self, context: &mut Context, left: &mut u32) -> Result<(), QueueError> {
        let Some((rx, memory)) = context.queue(RX) else {
            return Ok(());
        };
        while *left > 0 && self.muxer.has_words() {
            let chain = match self.spare.take() {
                Some(chain) => chain,
                None => match rx.queue.pop(memory)? {
                    Some(chain) => chain,
                    None => break,
                },
            };
            let Some(room) = chain.writable_len().checked_sub(HEADER_SIZE) else {
                // No packet fits: given back unused.
                *left -= 1;
                rx.queue.push(memory, chain.head(), 0)?;
                continue;
            };
            let Some(header) = self.muxer.speak(room, &mut self.data) else {
                self.spare = Some(chain);
                break;
            };
            *left -= 1;
            let mut writer = chain.writer(memory)?;
            writer.write_all(&header.bytes())?;
            let length = usize::try_from(header.len).unwrap_or(0);
            writer.write_all(self.data.get(..length).unwrap_or_default())?;
            let written = u32::try_from(writer.written()).unwrap_or(0);
            rx.queue.push(memory, chain.head(), written)?;
        }
        Ok(())
    }

    /// Takes the guest's packets in while their answers have a place to wait.
    fn drain(&mut self, context: &mut Context, left: &mut u32) -> Result<(), QueueError> {
        let registry = &context.registry;
        let memory = &context.memory;
        let Some(tx) = context.queues.iter_mut().find(|queue| queue.index == TX) else {
            return Ok(());
        };
        while *left > 0 && self.muxer.accepts() {
            let Some(chain) = tx.queue.pop(memory)? else {
                break;
            };
            *left -= 1;
            self.take_in(&chain, memory, registry)?;
            tx.queue.push(memory, chain.head(), 0)?;
        }
        Ok(())
    }

    /// One packet of the guest's. A chain too short for a header is no packet.
    fn take_in(
        &mut self,
        chain: &Chain,
        memory: &Memory,
        registry: &Registry,
    ) -> Result<(), QueueError> {
        let mut reader = chain.reader(memory)?;
        let mut raw = [0; HEADER_SIZE];
        if reader.remaining() < HEADER_SIZE {
            return Ok(());
        }
        reader.read_exact(&mut raw)?;
        let header = Header::parse(&raw);
        if !self.muxer.is_addressed(&header) {
            return Ok(());
        }
        let length = usize::try_from(header.len).unwrap_or(usize::MAX);
        let data = match self.data.get_mut(..length) {
            Some(data) if length <= reader.remaining() => {
                if header.op == Op::Data {
                    reader.read_exact(data)?;
                }
                Some(&*data)
            }
            _ => None,
        };
        self.muxer.receive(&header, data, registry, &mut self.scratch);
        Ok(())
    }
}

#[cfg(test)]
#[path = "device_test.rs"]
mod tests;

#[cfg(test)]
#[path = "transfer_test.rs"]
mod transfer_tests;

#[cfg(test)]
#[path = "close_test.rs"]
mod close_tests;
