#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "test support: what does not hold ends the test"
)]
//! A guest for the device's tests: packets through the fake driver, and the host's processes.

use std::collections::HashMap;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

use vm_memory::{Bytes, GuestAddress};

use super::packet::{HEADER_SIZE, Header, Op, STREAM};
use super::{HostPort, PeerInfo, Vsock, accept, channel};
use crate::device::VirtioDevice;
use crate::queue::features;
use crate::testing::{Driver, Used, WRITE};

pub(super) const CID: u64 = 3;
/// The port that tests connect to.
pub(super) const PORT: u32 = 1024;
pub(super) const RX: u16 = 0;
pub(super) const TX: u16 = 1;
const SIZES: [u16; 3] = [256, 256, 16];
const RX_BUFFERS: u64 = 0x20_0000;
/// As Linux has them, nearly.
pub(super) const RX_BUFFER: u32 = 4096;
const TX_BUFFER: u64 = 0x80_0000;

pub(super) fn channel() -> (OwnedFd, OwnedFd) {
    channel::pair().unwrap()
}

/// A packet of the guest's for connection (`guest_port`, [`PORT`]), with plenty of room.
pub(super) fn packet(op: Op, guest_port: u32) -> Header {
    Header {
        src_cid: CID,
        dst_cid: 2,
        src_port: guest_port,
        dst_port: PORT,
        len: 0,
        kind: STREAM,
        op,
        flags: 0,
        buf_alloc: 256 * 1024,
        fwd_cnt: 0,
    }
}

/// Guest, device and host.
pub(super) struct World {
    pub(super) driver: Driver,
    pub(super) device: Vsock,
    pub(super) host: OwnedFd,
    buffers: HashMap<u16, u64>,
    barriers: u32,
}

impl World {
    /// With `buffers` receive buffers.
    pub(super) fn new(buffers: usize) -> Self {
        Self::with_features(buffers, features::ALL)
    }

    pub(super) fn with_features(buffers: usize, features: u64) -> Self {
        let (host, channel) = channel();
        let ports = vec![HostPort { port: PORT, channel }];
        let mut world = Self {
            driver: Driver::new(&SIZES, features),
            device: Vsock::new(CID, ports),
            host,
            buffers: HashMap::new(),
            barriers: 0,
        };
        world.device.activate(world.driver.activation()).unwrap();
        for index in 0..buffers {
            world.give(RX_BUFFERS + u64::from(RX_BUFFER) * index as u64);
        }
        world.driver.ring(RX);
        world
    }

    /// Gives the device a receive buffer at `address`.
    pub(super) fn give(&mut self, address: u64) {
        let head = self.driver.rings[usize::from(RX)].add(&[(address, RX_BUFFER, WRITE)]);
        self.buffers.insert(head, address);
    }

    /// Puts a packet into the transmit queue. `claimed` is the length in the header.
    pub(super) fn post(&mut self, header: &Header, data: &[u8], claimed: u32) {
        let header = Header { len: claimed, ..*header };
        let raw = [&header.bytes(), data].concat();
        self.post_raw(&raw);
    }

    pub(super) fn post_raw(&mut self, raw: &[u8]) {
        // One slot for each of the queue's descriptors, for short packets; long ones go alone.
        let slot = if raw.len() > 256 { 0 } else { u64::from(self.barriers % 256) + 512 };
        self.barriers += 1;
        let address = TX_BUFFER + slot * 256;
        let memory = self.driver.memory.clone();
        memory.write_slice(raw, GuestAddress(address)).unwrap();
        self.driver.rings[usize::from(TX)].add(&[(address, raw.len() as u32, 0)]);
        self.driver.ring(TX);
    }

    /// Sends a packet and waits until the device has taken it.
    pub(super) fn send(&mut self, header: &Header, data: &[u8]) {
        self.post(header, data, data.len() as u32);
        let used = self.driver.wait(TX);
        assert_eq!(used.written, 0);
    }

    fn parse(&mut self, used: &Used) -> (Header, Vec<u8>) {
        let address = self.buffers.remove(&used.head).unwrap();
        let raw = used.answer();
        let header = Header::parse(raw[..HEADER_SIZE].try_into().unwrap());
        let data = raw[HEADER_SIZE..].to_vec();
        assert_eq!(data.len(), header.len as usize);
        assert_eq!((header.src_cid, header.dst_cid), (2, CID));
        self.give(address);
        self.driver.ring(RX);
        (header, data)
    }

    /// The next packet for the guest; its buffer is given to the device again.
    pub(super) fn receive(&mut self) -> (Header, Vec<u8>) {
        let used = self.driver.wait(RX);
        self.parse(&used)
    }

    /// The next packet if there is one.
    pub(super) fn poll(&mut self) -> Option<(Header, Vec<u8>)> {
        let used = self.driver.used(RX)?;
        Some(self.parse(&used))
    }

    /// The next packet, which must be of this kind and for this port of the guest.
    pub(super) fn expect(&mut self, op: Op, guest_port: u32) -> Header {
        let (header, data) = self.receive();
        assert_eq!((header.op, header.dst_port), (op, guest_port), "{header:?}");
        assert!(data.is_empty());
        header
    }

    /// Nothing is on its way to the guest: a refused request is answered first thing.
    pub(super) fn expect_quiet(&mut self) {
        let port = 0x7000_0000 + self.barriers;
        let mut request = packet(Op::Request, port);
        request.dst_port = 1;
        self.send(&request, &[]);
        self.expect(Op::Reset, port);
    }

    /// Connects from `guest_port`; returns the host's end.
    pub(super) fn connect(&mut self, guest_port: u32) -> UnixStream {
        self.connect_with(&packet(Op::Request, guest_port))
    }

    pub(super) fn connect_with(&mut self, request: &Header) -> UnixStream {
        self.send(request, &[]);
        self.expect(Op::Response, request.src_port);
        let (peer, stream) = accept(self.host.as_fd()).unwrap().unwrap();
        let expected = PeerInfo { guest_port: request.src_port, host_port: PORT };
        assert_eq!(peer, expected);
        stream
    }
}
