#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "test support")]
//! The guest's side, for tests: builds requests and takes replies apart.

use std::ffi::CString;

use rustix::io::Errno;
use vm_memory::ByteValued;

use super::config::FsConfig;
use super::opcode::Opcode;
use super::plain::{Bytes, Room};
use super::scratch::Scratch;
use super::server::{HEADER, Outcome, Server};
use super::sys::Host;
use super::sys::linux_errno;
use super::wire::flags::{init, open};
use super::wire::{self, ROOT_ID};

pub struct Guest {
    pub dir: Scratch,
    pub server: Server,
    pub unique: u64,
    /// Room for a reply.
    pub room: usize,
}

/// Flags of open(2) in a guest's numbers, those of x86.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OFlags(u32);

impl OFlags {
    pub const RDONLY: Self = Self(0);
    pub const WRONLY: Self = Self(open::WRONLY);
    pub const RDWR: Self = Self(open::RDWR);
    pub const RWMODE: Self = Self(open::ACCMODE);
    pub const CREATE: Self = Self(0o100);
    pub const EXCL: Self = Self(open::EXCL);
    pub const TRUNC: Self = Self(open::TRUNC);
    pub const APPEND: Self = Self(open::APPEND);
    pub const DIRECT: Self = Self(0o40000);
    pub const DIRECTORY: Self = Self(0o200_000);
    pub const PATH: Self = Self(0o10_000_000);
    pub const TMPFILE: Self = Self(0o20_200_000);

    pub fn bits(self) -> u32 {
        self.0
    }
}

impl std::ops::BitOr for OFlags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// The host's error for one that a reply has in the guest's numbers.
fn host_errno(number: i32) -> Errno {
    let all = (1..=133).map(Errno::from_raw_os_error);
    all.into_iter().find(|errno| linux_errno(*errno) == number).unwrap()
}

/// Makes a FIFO on the host.
pub fn make_fifo(path: &std::path::Path) {
    assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// A name as it travels.
pub fn name(text: &str) -> Vec<u8> {
    CString::new(text).unwrap().into_bytes_with_nul()
}

/// The body of a request: an object and texts.
pub fn body(object: &impl ByteValued, texts: &[&str]) -> Vec<u8> {
    let mut body = object.as_slice().to_vec();
    for text in texts {
        body.extend_from_slice(&name(text));
    }
    body
}

impl Guest {
    pub fn new() -> Self {
        Self::with(|_| ())
    }

    pub fn with(change: impl FnOnce(&mut FsConfig)) -> Self {
        let mut guest = Self::closed(change);
        guest.init().unwrap();
        guest
    }

    /// Before its INIT.
    pub fn closed(change: impl FnOnce(&mut FsConfig)) -> Self {
        let dir = Scratch::new().unwrap();
        let root = dir.open().unwrap();
        let mut config = FsConfig::new("test", root, Host::here().unwrap());
        change(&mut config);
        Self { server: config.into_server().unwrap(), dir, unique: 0, room: 1 << 20 }
    }

    pub fn init(&mut self) -> Result<wire::InitOut, Errno> {
        let first = wire::InitIn { major: 7, minor: 41, max_readahead: 1 << 20, flags: u32::MAX };
        let mut request = first.as_slice().to_vec();
        request.extend_from_slice(wire::InitMoreIn::default().as_slice());
        assert_ne!(first.flags & init::INIT_EXT as u32, 0);
        self.get(Opcode::Init, 0, &request)
    }

    pub fn header(&mut self, opcode: u32, node: u64, length: usize) -> wire::InHeader {
        self.unique += 1;
        wire::InHeader {
            len: (40 + length) as u32,
            opcode,
            unique: self.unique,
            nodeid: node,
            uid: 12345,
            gid: 12345,
            pid: 1,
            ..Default::default()
        }
    }

    /// Sends bytes; the reply's bytes come back, as many as the server says there are.
    pub fn send(&mut self, request: &[u8]) -> (Outcome, Vec<u8>) {
        let mut reply = vec![0xa5; self.room];
        let outcome = self.server.handle(&mut Bytes(request), &mut Room(&mut reply));
        if let Outcome::Done(length) = outcome {
            reply.truncate(length as usize);
        }
        (outcome, reply)
    }

    /// Sends a request and checks the reply's header.
    pub fn call(&mut self, opcode: Opcode, node: u64, body: &[u8]) -> Result<Vec<u8>, Errno> {
        let header = self.header(opcode as u32, node, body.len());
        let mut request = header.as_slice().to_vec();
        request.extend_from_slice(body);
        let (outcome, reply) = self.send(&request);
        assert!(matches!(outcome, Outcome::Done(_)), "{opcode:?} waits");
        let mut out = wire::OutHeader::default();
        out.as_mut_slice().copy_from_slice(&reply[..HEADER]);
        assert_eq!((out.len as usize, out.unique), (reply.len(), header.unique));
        if out.error != 0 {
            assert_eq!(reply.len(), HEADER);
            return Err(host_errno(-out.error));
        }
        Ok(reply[HEADER..].to_vec())
    }

    pub fn get<T: ByteValued + Default>(
        &mut self,
        opcode: Opcode,
        node: u64,
        body: &[u8],
    ) -> Result<T, Errno> {
        let reply = self.call(opcode, node, body)?;
        assert_eq!(reply.len(), size_of::<T>(), "{opcode:?}");
        Ok(first(&reply))
    }

    pub fn lookup(&mut self, parent: u64, text: &str) -> Result<wire::EntryOut, Errno> {
        self.get(Opcode::Lookup, parent, &name(text))
    }

    /// Looks up a name in the root and returns its node.
    pub fn node(&mut self, text: &str) -> u64 {
        self.lookup(ROOT_ID, text).unwrap().nodeid
    }

    pub fn getattr(&mut self, node: u64) -> Result<wire::Attr, Errno> {
        let request = wire::GetattrIn::default();
        let reply: wire::AttrOut = self.get(Opcode::Getattr, node, request.as_slice())?;
        Ok(reply.attr)
    }

    pub fn setattr(&mut self, node: u64, request: wire::SetattrIn) -> Result<wire::Attr, Errno> {
        let reply: wire::AttrOut = self.get(Opcode::Setattr, node, request.as_slice())?;
        Ok(reply.attr)
    }

    pub fn open(&mut self, node: u64, flags: OFlags) -> Result<u64, Errno> {
        let request = wire::OpenIn { flags: flags.bits(), open_flags: 0 };
        let reply: wire::OpenOut = self.get(Opcode::Open, node, request.as_slice())?;
        Ok(reply.fh)
    }

    pub fn create(
        &mut self,
        parent: u64,
        text: &str,
        flags: OFlags,
        mode: u32,
    ) -> Result<(wire::EntryOut, u64), Errno> {
        let request = wire::CreateIn {
            flags: (flags | OFlags::CREATE).bits(),
            mode: 0o100_000 | mode,
            ..Default::default()
        };
        let reply = self.call(Opcode::Create, parent, &body(&request, &[text]))?;
        assert_eq!(reply.len(), 128 + 16);
        let open: wire::OpenOut = first(&reply[128..]);
        Ok((first(&reply), open.fh))
    }

    pub fn mkdir(&mut self, parent: u64, text: &str, mode: u32) -> Result<wire::EntryOut, Errno> {
        let request = wire::MkdirIn { mode, umask: 0 };
        self.get(Opcode::Mkdir, parent, &body(&request, &[text]))
    }

    pub fn symlink(&mut self, text: &str, target: &str) -> Result<wire::EntryOut, Errno> {
        let mut request = name(text);
        request.extend_from_slice(&name(target));
        self.get(Opcode::Symlink, ROOT_ID, &request)
    }

    pub fn read(&mut self, node: u64, fh: u64, offset: u64, size: u32) -> Result<Vec<u8>, Errno> {
        let request = wire::ReadIn { fh, offset, size, ..Default::default() };
        self.call(Opcode::Read, node, request.as_slice())
    }

    pub fn write(
        &mut self,
        node: u64,
        request: wire::WriteIn,
        data: &[u8],
    ) -> Result<usize, Errno> {
        let request = wire::WriteIn { size: data.len() as u32, ..request };
        let mut message = request.as_slice().to_vec();
        message.extend_from_slice(data);
        let reply: wire::SizeOut = self.get(Opcode::Write, node, &message)?;
        Ok(reply.size as usize)
    }

    /// Sends a request that gets no reply.
    pub fn tell(&mut self, opcode: Opcode, node: u64, body: &[u8]) {
        let mut request = self.header(opcode as u32, node, body.len()).as_slice().to_vec();
        request.extend_from_slice(body);
        assert_eq!(self.send(&request).0, Outcome::Done(0));
    }

    pub fn forget(&mut self, node: u64, nlookup: u64) {
        let request = wire::ForgetIn { nlookup };
        self.tell(Opcode::Forget, node, request.as_slice());
    }
}

/// The object at the beginning of `bytes`.
pub fn first<T: ByteValued + Default>(bytes: &[u8]) -> T {
    let mut object = T::default();
    object.as_mut_slice().copy_from_slice(&bytes[..size_of::<T>()]);
    object
}
