//! Any guest and any host against the muxer, without queues or threads.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use mio::{Events, Poll};

use super::muxer::Muxer;
use super::packet::{HEADER_SIZE, Header, STREAM};
use super::{
    CLOSE_TIMEOUT, HOST_CID, HostPort, MAX_CONNECTIONS, MAX_PAYLOAD, MAX_RESETS, accept, channel,
};

const CID: u64 = 3;
const PORT: u32 = 1024;
/// Sockets of the host that are kept open at once.
const HOSTS: usize = 16;

/// Packets of the guest's, and what the host does meanwhile, one step after the other.
///
/// # Panics
/// When the muxer holds more than it may, or makes a packet that does not fit.
pub fn fuzz_vsock(data: &[u8]) {
    if let Ok(mut world) = World::new() {
        let mut input = data;
        while !input.is_empty() {
            world.step(&mut input);
            world.muxer.check();
        }
    }
}

struct World {
    muxer: Muxer,
    poll: Poll,
    channel: OwnedFd,
    hosts: Vec<UnixStream>,
    data: Vec<u8>,
    scratch: Vec<u8>,
    now: Instant,
}

/// The next byte, zero after the last.
fn byte(input: &mut &[u8]) -> u8 {
    let mut byte = [0];
    // Reading from a slice does not fail.
    let _ = input.read(&mut byte);
    byte[0]
}

impl World {
    fn new() -> std::io::Result<Self> {
        let (host, channel) = channel::pair()?;
        rustix::io::ioctl_fionbio(&host, true)?;
        let port = HostPort { port: PORT, channel };
        Ok(Self {
            muxer: Muxer::new(CID, [port].into()),
            poll: Poll::new()?,
            channel: host,
            hosts: Vec::new(),
            data: vec![0; MAX_PAYLOAD],
            scratch: vec![0; MAX_PAYLOAD],
            now: Instant::now(),
        })
    }

    fn step(&mut self, input: &mut &[u8]) {
        match byte(input) % 16 {
            0..=7 => self.guest_packet(input),
            8 | 9 => self.guest_buffers(input),
            10 => self.accept(),
            11 => self.host_writes(input),
            12 => self.host_reads(input),
            13 => self.host_closes(input),
            14 => self.events(),
            _ => {
                self.now += Duration::from_millis(10) * u32::from(byte(input));
                let later = self.now + CLOSE_TIMEOUT;
                self.muxer.expire(later, self.poll.registry(), &mut self.scratch);
            }
        }
    }

    fn guest_packet(&mut self, input: &mut &[u8]) {
        let repairs = byte(input);
        let length = usize::from(byte(input)) * 257;
        let mut raw = [0; HEADER_SIZE];
        let _ = input.read(&mut raw);
        let mut header = Header::parse(&raw);
        // Most packets get further with an address that is right.
        if repairs & 1 == 0 {
            (header.src_cid, header.dst_cid) = (CID, HOST_CID);
        }
        if repairs & 2 == 0 {
            (header.src_port, header.dst_port) = (header.src_port % 4, PORT);
        }
        if repairs & 4 == 0 {
            header.kind = STREAM;
        }
        if repairs & 8 == 0 {
            header.op = (u16::from(header.op) % 9).into();
        }
        let data = (repairs & 16 == 0).then(|| self.data.get(..length).unwrap_or_default());
        if self.muxer.accepts() && self.muxer.is_addressed(&header) {
            let registry = self.poll.registry();
            self.muxer.receive(&header, data, registry, &mut self.scratch);
        }
    }

    fn guest_buffers(&mut self, input: &mut &[u8]) {
        let room = usize::from(byte(input)) * 64;
        for _ in 0..=byte(input) % 16 {
            let Some(header) = self.muxer.speak(room, &mut self.scratch) else {
                break;
            };
            let length = usize::try_from(header.len).unwrap_or(usize::MAX);
            assert!(length <= room && length <= MAX_PAYLOAD);
            assert_eq!((header.src_cid, header.dst_cid), (HOST_CID, CID));
        }
    }

    fn accept(&mut self) {
        if let Ok(Some((_, stream))) = accept(self.channel.as_fd()) {
            if stream.set_nonblocking(true).is_ok() && self.hosts.len() < HOSTS {
                self.hosts.push(stream);
            }
        }
    }

    fn host_writes(&mut self, input: &mut &[u8]) {
        let (which, length) = (usize::from(byte(input)), usize::from(byte(input)) * 300);
        if let (Some(host), Some(data)) =
            (self.hosts.get_mut(which % HOSTS), self.data.get(..length))
        {
            let _ = host.write(data);
        }
    }

    fn host_reads(&mut self, input: &mut &[u8]) {
        let (which, length) = (usize::from(byte(input)), usize::from(byte(input)) * 300);
        let buffer = self.scratch.get_mut(..length);
        if let (Some(host), Some(buffer)) = (self.hosts.get_mut(which % HOSTS), buffer) {
            let _ = host.read(buffer);
        }
    }

    fn host_closes(&mut self, input: &mut &[u8]) {
        let (which, how) = (usize::from(byte(input)) % HOSTS, byte(input));
        if let Some(host) = self.hosts.get(which) {
            match how % 4 {
                0 => drop(host.shutdown(Shutdown::Read)),
                1 => drop(host.shutdown(Shutdown::Write)),
                2 => drop(host.shutdown(Shutdown::Both)),
                _ => drop(self.hosts.remove(which)),
            }
        }
    }

    fn events(&mut self) {
        let mut events = Events::with_capacity(16);
        if self.poll.poll(&mut events, Some(Duration::ZERO)).is_ok() {
            for event in &events {
                let registry = self.poll.registry();
                self.muxer.event(event.token().0, event, registry, &mut self.scratch);
            }
        }
    }
}

/// What no guest may make grow further.
pub(super) struct Held {
    pub(super) connections: usize,
    pub(super) tokens: usize,
    pub(super) ready: usize,
    pub(super) deadlines: usize,
    pub(super) resets: usize,
}

impl Held {
    pub(super) fn check(&self) {
        assert!(self.connections <= MAX_CONNECTIONS);
        assert!(self.tokens <= self.connections);
        assert!(self.ready <= self.tokens);
        assert!(self.deadlines <= self.tokens);
        assert!(self.resets <= MAX_RESETS + MAX_CONNECTIONS);
    }
}

#[cfg(test)]
#[path = "fuzz_test.rs"]
mod tests;
