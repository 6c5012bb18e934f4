//! Entries for fuzzers: any bytes, as a session of requests to a server over a real directory.
//!
//! ```text
//!   data: kind, form and length, node, body …          and again, until the data ends
//! ```
//!
//! | bits of the form | meaning                                                                    |
//! |------------------|----------------------------------------------------------------------------|
//! | 0-5              | quarter of the body's length                                               |
//! | 6                | zeros do not follow the body, and its numbers of nodes and handles are raw |
//! | 7                | the reply has room for as many bytes only                                  |

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
/// Bits of the form.
const RAW: u8 = 0x40;
const CRAMPED: u8 = 0x80;
/// Bytes of the longest fixed body, which is that of SETATTR.
const LONGEST: usize = 88;
/// Where a FALLOCATE has its offset, with its length behind it.
const OFFSET: usize = size_of::<InHeader>() + 8;

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
        let form = data.byte().unwrap_or(0);
        let length = usize::from(form & 0x3f) * 4;
        let mut request = match Opcode::ALL.get(usize::from(kind) % (Opcode::ALL.len() + 1)) {
            None => data.take(length).to_vec(),
            Some(opcode) => {
                let node = u64::from(data.byte().unwrap_or(0) % 16);
                let mut body = data.take(length).to_vec();
                if form & RAW == 0 {
                    body.resize(body.len().max(LONGEST) + 8, 0);
                    aim(*opcode, &mut body);
                }
                let header = InHeader {
                    len: u32::try_from(size_of::<InHeader>() + body.len()).unwrap_or(u32::MAX),
                    opcode: *opcode as u32,
                    unique: 1,
                    nodeid: node,
                    ..InHeader::default()
                };
                [header.as_slice(), &body].concat()
            }
        };
        tame(&mut request);
        let limit = if form & CRAMPED == 0 { ROOM } else { length };
        let out = room.get_mut(..limit).unwrap_or_default();
        server.handle(&mut Bytes(&request), &mut Room(out));
        let _ = server.finished();
    }
    let _ = server.give_up_waiting();
}

/// Makes the numbers of nodes and handles in a body such as a server gives out, and lengths of what
/// is read and written such as fit.
fn aim(opcode: Opcode, body: &mut [u8]) {
    use Opcode as Op;
    let numbers: &[usize] = match opcode {
        Op::Getattr | Op::Statx | Op::Setattr => &[8],
        Op::CopyFileRange => &[0, 16, 24],
        Op::Forget | Op::Rename | Op::Rename2 | Op::Link | Op::Release | Op::Releasedir => &[0],
        Op::Read | Op::Write | Op::Readdir | Op::Readdirplus | Op::Lseek | Op::Fallocate => &[0],
        Op::Flush | Op::Fsync | Op::Fsyncdir | Op::Getlk | Op::Setlk | Op::Setlkw => &[0],
        _ => &[],
    };
    for at in numbers {
        let number = body.get_mut(*at..at + 8).unwrap_or_default();
        if let Some((first, rest)) = number.split_first_mut() {
            *first %= 16;
            rest.fill(0);
        }
    }
    let above = match opcode {
        Op::Write => 17,
        Op::Read | Op::Readdir | Op::Readdirplus => 18,
        _ => return,
    };
    body.get_mut(above..20).unwrap_or_default().fill(0);
}

/// Bringing the host's disks up to date is no work for a fuzzer, and a file of many gigabytes is none
/// for its disk; numbers that no file can have are left as they are.
fn tame(request: &mut [u8]) {
    let number = request.get(4..8).and_then(|raw| raw.try_into().ok());
    match number.map(u32::from_ne_bytes).and_then(Opcode::from_number) {
        Some(Opcode::Syncfs) => request[4] = Opcode::Statfs as u8,
        Some(Opcode::Fallocate) => {
            let numbers = request.get_mut(OFFSET..OFFSET + 16).unwrap_or_default();
            for number in numbers.chunks_exact_mut(8).filter(|number| number[7] < 0x40) {
                number[3..].fill(0);
            }
        }
        _ => {}
    }
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
