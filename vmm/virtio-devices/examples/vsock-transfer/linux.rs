//! How fast a vsock device carries bytes, ours or another's, seen by a driver that does nothing
//! else: `vsock-transfer to-host|to-guest MIB [SOCKET UDS]`, which prints MiB/s.
//!
//! ```text
//! driver (this process) ── vhost-user ── device (a process) ── socket ── host (a thread here)
//! ```
//!
//! The device is ours, or the one that listens at SOCKET and connects guests to `UDS_1024`, as
//! `vhost-device-vsock` does. The driver behaves like that of Linux: receive buffers of 4 KiB,
//! packets of at most 64 KiB, a window of 256 KiB, notifications only where the device wants them.
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "a measurement that cannot go on ends"
)]

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use virtio_devices::event::Event;

use rustix::fs::MemfdFlags;
use virtio_devices::Memory;
use virtio_devices::device::{Interrupt, VirtioDevice};
use virtio_devices::queue::features;
use virtio_devices::testing::{Driver, MEMORY_SIZE, WRITE};
use virtio_devices::transport::vhost_user::{VhostUser, serve};
use virtio_devices::vsock::{DEVICE_TYPE, HostPort, QUEUE_SIZES, Vsock, accept};
use vm_memory::{Bytes, FileOffset, GuestAddress};
use vmm_sys_util::epoll::{ControlOperation, Epoll, EpollEvent, EventSet};

const CID: u64 = 3;
const HOST: u64 = 2;
const PORT: u32 = 1024;
const RX: u16 = 0;
const TX: u16 = 1;
const HEADER: usize = 44;
const RX_BUFFER: u32 = 4096;
const RX_BUFFERS: u64 = 0x20_0000;
const TX_BUFFERS: u64 = 0x60_0000;
const TX_SLOTS: u64 = 64;
const PAYLOAD: u32 = 64 * 1024;
const WINDOW: u32 = 256 * 1024;
/// With less room than this advertised, Linux tells how much there really is.
const LOW: u32 = 64 * 1024;

const REQUEST: u16 = 1;
const RESPONSE: u16 = 2;
const DATA: u16 = 5;
const CREDIT_UPDATE: u16 = 6;
const CREDIT_REQUEST: u16 = 7;

pub fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (direction, size, place) = match *words.as_slice() {
        ["serve"] => return serve_ours(),
        [direction @ ("to-host" | "to-guest"), size] => (direction, size, None),
        [direction @ ("to-host" | "to-guest"), size, socket, uds] => {
            (direction, size, Some((socket, uds)))
        }
        _ => panic!("vsock-transfer to-host|to-guest MIB [SOCKET UDS]"),
    };
    let total = size.parse::<u64>().unwrap() << 20;
    let device = place.map_or_else(ours, |(socket, uds)| theirs(socket, uds));
    let time =
        if direction == "to-host" { to_host(device, total) } else { to_guest(device, total) };
    println!("{:.0}", (total >> 20) as f64 / time.as_secs_f64());
}

/// A device that another process serves, and how the host gets the guest's connection.
struct Device {
    socket: UnixStream,
    accept: Box<dyn FnOnce() -> UnixStream + Send>,
    process: Option<Child>,
}

fn ours() -> Device {
    let (socket, served) = UnixStream::pair().unwrap();
    let (host, channel) = virtio_devices::vsock::channel::pair().unwrap();
    let process = Command::new(std::env::current_exe().unwrap())
        .arg("serve")
        .stdin(Stdio::from(OwnedFd::from(served)))
        .stdout(Stdio::from(channel))
        .spawn()
        .unwrap();
    let accept = Box::new(move || accept(host.as_fd()).unwrap().unwrap().1);
    Device { socket, accept, process: Some(process) }
}

/// The device's process: its two sockets are standard input and output.
fn serve_ours() {
    let socket = std::io::stdin().as_fd().try_clone_to_owned().unwrap();
    let channel = std::io::stdout().as_fd().try_clone_to_owned().unwrap();
    let mut device = Vsock::new(CID, vec![HostPort { port: PORT, channel }]);
    serve(&mut device, UnixStream::from(socket)).unwrap();
}

fn theirs(socket: &str, uds: &str) -> Device {
    let path = format!("{uds}_{PORT}");
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(path).unwrap();
    let socket = UnixStream::connect(socket).unwrap();
    Device { socket, accept: Box::new(move || listener.accept().unwrap().0), process: None }
}

fn to_host(device: Device, total: u64) -> Duration {
    let (mut guest, host) = Guest::start(device, move |mut stream| {
        let (mut buffer, mut left) = (vec![0; 1 << 16], total);
        while left > 0 {
            left -= match stream.read(&mut buffer).unwrap() {
                0 => panic!("the device closed the connection"),
                length => length as u64,
            };
        }
        Instant::now()
    });
    let (start, mut left) = (Instant::now(), total);
    while !host.is_finished() {
        let mut moved = guest.collect();
        while left > 0 {
            let length = u64::from(guest.credit().min(PAYLOAD)).min(left) as u32;
            if length == 0 || !guest.send(DATA, length) {
                break;
            }
            left -= u64::from(length);
            moved = true;
        }
        guest.rest(moved);
    }
    let end = host.join().unwrap();
    guest.stop();
    end - start
}

fn to_guest(device: Device, total: u64) -> Duration {
    let (mut guest, host) = Guest::start(device, move |mut stream| {
        let buffer = vec![0; 1 << 16];
        let (start, mut left) = (Instant::now(), total);
        while left > 0 {
            let length = left.min(buffer.len() as u64) as usize;
            stream.write_all(&buffer[..length]).unwrap();
            left -= length as u64;
        }
        // Kept open until the guest has everything.
        (start, stream)
    });
    while guest.received < total {
        let moved = guest.collect();
        guest.rest(moved);
    }
    let end = Instant::now();
    let (start, _stream) = host.join().unwrap();
    guest.stop();
    end - start
}

/// Events of the queues, as a hypervisor has them.
struct Events([Event; QUEUE_SIZES.len()]);

impl Interrupt for Events {
    fn queue(&self, index: u16) {
        self.0[usize::from(index)].signal().unwrap();
    }

    fn config(&self) {}

    fn needs_reset(&self) {
        panic!("the device wants a reset");
    }

    fn queue_event(&self, index: u16) -> Option<Event> {
        Some(self.0[usize::from(index)].try_clone().unwrap())
    }
}

/// The driver with one connection.
struct Guest {
    driver: Driver,
    device: VhostUser,
    process: Option<Child>,
    events: Arc<Events>,
    wake: Epoll,
    receiving: HashMap<u16, u64>,
    sending: HashMap<u16, u64>,
    slots: Vec<u64>,
    /// Up to where each queue's device has been notified.
    notified: [u16; 2],
    published: [u16; 2],
    connected: bool,
    sent: u32,
    peer_room: u32,
    peer_taken: u32,
    received: u64,
    told: u32,
}

impl Guest {
    /// Connects. `host` gets the other end.
    fn start<T: Send + 'static>(
        device: Device,
        host: impl FnOnce(UnixStream) -> T + Send + 'static,
    ) -> (Self, JoinHandle<T>) {
        let file = File::from(rustix::fs::memfd_create("guest", MemfdFlags::CLOEXEC).unwrap());
        file.set_len(MEMORY_SIZE as u64).unwrap();
        let region = (GuestAddress(0), MEMORY_SIZE, Some(FileOffset::new(file, 0)));
        let memory = Arc::new(Memory::from_ranges_with_files([region]).unwrap());
        let negotiated = features::VERSION_1 | features::EVENT_IDX;
        let driver = Driver::with_memory(memory, &QUEUE_SIZES, negotiated);
        let cid = CID.to_le_bytes().to_vec();
        let Device { socket, accept, process } = device;
        let mut device = VhostUser::new(DEVICE_TYPE, QUEUE_SIZES.to_vec(), socket, cid).unwrap();
        let event = |_| Event::new().unwrap();
        let events = Arc::new(Events(std::array::from_fn(event)));
        let wake = Epoll::new().unwrap();
        for event in &events.0[..2] {
            let wanted = EpollEvent::new(EventSet::IN, 0);
            wake.ctl(ControlOperation::Add, event.as_raw_fd(), wanted).unwrap();
        }
        let mut activation = driver.activation();
        activation.interrupt = events.clone();
        device.activate(activation).unwrap();
        let mut guest = Self {
            driver,
            device,
            process,
            events,
            wake,
            receiving: HashMap::new(),
            sending: HashMap::new(),
            slots: (0..TX_SLOTS).collect(),
            notified: [0; 2],
            published: [0; 2],
            connected: false,
            sent: 0,
            peer_room: 0,
            peer_taken: 0,
            received: 0,
            told: 0,
        };
        for index in 0..u64::from(QUEUE_SIZES[0]) {
            guest.give(RX_BUFFERS + index * u64::from(RX_BUFFER));
        }
        let host = std::thread::spawn(move || host(accept()));
        assert!(guest.send(REQUEST, 0));
        while !guest.connected {
            let moved = guest.collect();
            guest.rest(moved);
        }
        (guest, host)
    }

    fn give(&mut self, address: u64) {
        let head = self.driver.rings[usize::from(RX)].add(&[(address, RX_BUFFER, WRITE)]);
        self.receiving.insert(head, address);
        self.published[usize::from(RX)] = self.published[usize::from(RX)].wrapping_add(1);
    }

    /// How much may be sent.
    fn credit(&self) -> u32 {
        self.peer_room.saturating_sub(self.sent.wrapping_sub(self.peer_taken))
    }

    /// Sends a packet with `length` bytes, if there is a buffer for it.
    fn send(&mut self, op: u16, length: u32) -> bool {
        let Some(slot) = self.slots.pop() else { return false };
        let taken = self.received as u32;
        let mut header = Vec::with_capacity(HEADER);
        header.extend(CID.to_le_bytes());
        header.extend(HOST.to_le_bytes());
        header.extend(4711_u32.to_le_bytes());
        header.extend(PORT.to_le_bytes());
        header.extend(length.to_le_bytes());
        header.extend(1_u16.to_le_bytes());
        header.extend(op.to_le_bytes());
        header.extend(0_u32.to_le_bytes());
        header.extend(WINDOW.to_le_bytes());
        header.extend(taken.to_le_bytes());
        let address = TX_BUFFERS + slot * u64::from(PAYLOAD + 256);
        self.driver.memory.write_slice(&header, GuestAddress(address)).unwrap();
        let ring = &mut self.driver.rings[usize::from(TX)];
        let (head, body) = ((address, HEADER as u32, 0), (address + 256, length, 0));
        let chain = if length == 0 { ring.add(&[head]) } else { ring.add(&[head, body]) };
        self.sending.insert(chain, slot);
        self.published[usize::from(TX)] = self.published[usize::from(TX)].wrapping_add(1);
        self.sent = self.sent.wrapping_add(length);
        self.told = taken;
        true
    }

    /// Takes what came back from both queues; whether there was anything.
    fn collect(&mut self) -> bool {
        let mut moved = false;
        while let Some(used) = self.driver.used(TX) {
            self.slots.push(self.sending.remove(&used.head).unwrap());
            moved = true;
        }
        while let Some(used) = self.driver.used(RX) {
            let address = self.receiving.remove(&used.head).unwrap();
            self.packet(used.answer());
            self.give(address);
            moved = true;
        }
        if WINDOW - (self.received as u32).wrapping_sub(self.told) < LOW {
            self.send(CREDIT_UPDATE, 0);
        }
        moved
    }

    fn packet(&mut self, raw: &[u8]) {
        let number = |at: usize| u32::from_le_bytes(raw[at..at + 4].try_into().unwrap());
        self.peer_room = number(36);
        self.peer_taken = number(40);
        match u16::from_le_bytes([raw[30], raw[31]]) {
            RESPONSE => self.connected = true,
            DATA => self.received += u64::from(number(24)),
            CREDIT_UPDATE => {}
            CREDIT_REQUEST => assert!(self.send(CREDIT_UPDATE, 0)),
            other => panic!("the device answers with operation {other}"),
        }
    }

    /// Notifies the device where it wants that; sleeps if there is nothing to do.
    fn rest(&mut self, moved: bool) {
        fence(Ordering::SeqCst);
        for queue in [RX, TX] {
            let at = usize::from(queue);
            let (old, new) = (self.notified[at], self.published[at]);
            // Virtio 1.3, 2.7.10.
            let wanted = self.driver.rings[at].avail_event();
            if new.wrapping_sub(wanted).wrapping_sub(1) < new.wrapping_sub(old) {
                self.driver.ring(queue);
            }
            self.notified[at] = new;
        }
        if moved || self.collect() {
            return;
        }
        // The end of the host's side comes without an event.
        let _ = self.wake.wait(1, &mut [EpollEvent::default(); 2]).unwrap();
        for event in &self.events.0[..2] {
            let _ = event.take();
        }
    }

    fn stop(self) {
        let Self { device, process, .. } = self;
        drop(device);
        if let Some(mut process) = process {
            process.wait().unwrap();
        }
    }
}
