//! Entries for fuzzers: any bytes, as a session of requests to a server over a real directory.
//!
//! ```text
//!   data: kind, opcode or length, node, room, body …   and again, until the data ends
//! ```

use super::config::FsConfig;
use super::opcode::Opcode;
use super::passthrough::limits::Limits;
use super::plain::{Bytes, Room};
use super::scratch::Scratch;
use super::server::Server;
use super::sys::Host;
use super::wire::{InHeader, InitIn};
use vm_memory::ByteValued;

/// Most requests of one session.
const MAX_REQUESTS: usize = 64;
/// Room for each reply, in bytes.
const ROOM: usize = 8192;

/// Feeds the server with `data`: raw requests, and well-formed headers in front of any body.
/// Returns without doing anything where the host has no directory for it.
pub fn fuzz_fuse(data: &[u8]) {
    let Ok(dir) = Scratch::new() else { return };
    session(&dir, data);
}

/// The same over one directory for many sessions.
pub fn session(dir: &Scratch, data: &[u8]) {
    let Some(mut server) = server(dir) else {
        return;
    };
    let mut data = Data(data);
    let mut room = vec![0; ROOM];
    init(&mut server, &mut room);
    for _ in 0..MAX_REQUESTS {
        let Some(kind) = data.byte() else { break };
        let length = usize::from(data.byte().unwrap_or(0));
        let request = if kind % 8 == 0 {
            data.take(length).to_vec()
        } else {
            let count = Opcode::ALL.len();
            let opcode = Opcode::ALL.get(usize::from(kind) % count);
            let node = u64::from(data.byte().unwrap_or(0) % 16);
            let body = data.take(length);
            // Bringing the host's disks up to date is no work for a fuzzer, and a file of many
            // gigabytes is none for its disk.
            let opcode = match opcode {
                None | Some(Opcode::Syncfs | Opcode::Fallocate) => Opcode::Statfs,
                Some(opcode) => *opcode,
            };
            let header = InHeader {
                len: u32::try_from(size_of::<InHeader>() + body.len()).unwrap_or(u32::MAX),
                opcode: opcode as u32,
                unique: 1,
                nodeid: node,
                ..InHeader::default()
            };
            [header.as_slice(), body].concat()
        };
        if forbidden(&request) {
            continue;
        }
        let limit = if kind & 0x80 == 0 { ROOM } else { length };
        let out = room.get_mut(..limit).unwrap_or_default();
        server.handle(&mut Bytes(&request), &mut Room(out));
        let _ = server.finished();
    }
    let _ = server.give_up_waiting();
}

/// Raw bytes that happen to be one of the two requests left out above.
fn forbidden(request: &[u8]) -> bool {
    let number = request.get(4..8).and_then(|raw| raw.try_into().ok());
    let opcode = number.map(u32::from_ne_bytes).and_then(Opcode::from_number);
    matches!(opcode, Some(Opcode::Syncfs | Opcode::Fallocate))
}

fn server(dir: &Scratch) -> Option<Server> {
    let mut config = FsConfig::new("fuzz", dir.open().ok()?, Host::here().ok()?);
    config.limits = Some(Limits { nodes: 12, handles: 12 });
    config.into_server().ok()
}

fn init(server: &mut Server, room: &mut [u8]) {
    let body = InitIn { major: 7, minor: 39, ..InitIn::default() };
    let header = InHeader { len: 56, opcode: Opcode::Init as u32, ..InHeader::default() };
    let request = [header.as_slice(), body.as_slice()].concat();
    server.handle(&mut Bytes(&request), &mut Room(room));
}

/// The fuzzer's bytes, taken from the front.
struct Data<'a>(&'a [u8]);

impl<'a> Data<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn take(&mut self, count: usize) -> &'a [u8] {
        let (first, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        first
    }
}

#[cfg(test)]
#[path = "fuzzing_test.rs"]
mod tests;
