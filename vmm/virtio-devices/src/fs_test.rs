#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]
use rustix::fs::{FlockOperation, flock};
use vm_memory::ByteValued;

use super::opcode::Opcode;
use super::scratch::Scratch;
use super::wire::{self, ROOT_ID};
use super::*;
use crate::testing::{Driver, Used};

/// A device over a directory, and a driver that has said INIT.
struct Machine {
    driver: Driver,
    device: Fs,
    dir: Scratch,
}

fn message(opcode: Opcode, unique: u64, node: u64, body: &[u8]) -> Vec<u8> {
    let header = wire::InHeader {
        len: (40 + body.len()) as u32,
        opcode: opcode as u32,
        unique,
        nodeid: node,
        ..Default::default()
    };
    [header.as_slice(), body].concat()
}

fn parse<T: ByteValued + Default>(used: &Used) -> (wire::OutHeader, T) {
    let (mut header, mut object) = (wire::OutHeader::default(), T::default());
    let answer = used.answer();
    header.as_mut_slice().copy_from_slice(&answer[..16]);
    assert_eq!(header.len, used.written);
    if header.error == 0 {
        object.as_mut_slice().copy_from_slice(&answer[16..]);
    }
    (header, object)
}

impl Machine {
    fn new() -> Self {
        let dir = Scratch::new().unwrap();
        let host = Host::here().unwrap();
        let config = FsConfig::new("workspace", dir.open().unwrap(), host);
        let mut device = Fs::new(config).unwrap();
        let driver = Driver::new(&[64, 64], device.features());
        device.activate(driver.activation()).unwrap();
        let mut machine = Self { driver, device, dir };
        machine.init();
        machine
    }

    fn init(&mut self) {
        let request = wire::InitIn { major: 7, minor: 40, ..Default::default() };
        let request = message(Opcode::Init, 1, 0, request.as_slice());
        let used = self.driver.request(1, &[&request], &[80]);
        assert_eq!(parse::<wire::InitOut>(&used).0.error, 0);
    }

    fn get<T: ByteValued + Default>(&mut self, opcode: Opcode, node: u64, body: &[u8]) -> T {
        let request = message(opcode, 7, node, body);
        let used = self.driver.request(1, &[&request], &[16, size_of::<T>()]);
        let (header, object) = parse(&used);
        assert_eq!((header.error, header.unique), (0, 7), "{opcode:?}");
        object
    }

    /// Looks up a file and opens it for reading and writing.
    fn open(&mut self, name: &[u8]) -> (u64, u64) {
        let entry: wire::EntryOut = self.get(Opcode::Lookup, ROOT_ID, name);
        let request = wire::OpenIn { flags: 2, open_flags: 0 };
        let open: wire::OpenOut = self.get(Opcode::Open, entry.nodeid, request.as_slice());
        (entry.nodeid, open.fh)
    }
}

#[test]
fn the_configuration_names_the_share() {
    let machine = Machine::new();
    assert_eq!(machine.device.device_type(), 26);
    let mut space = [0xa5; 48];
    machine.device.read_config(0, &mut space);
    let mut tag = [0; 36];
    tag[..9].copy_from_slice(b"workspace");
    assert_eq!(space[..36], tag);
    assert_eq!(space[36..], [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    machine.device.read_config(u64::MAX, &mut space);
    assert_eq!(space, [0; 48]);
    machine.device.read_config(38, &mut space[..1]);
    assert_eq!(space[0], 0);
}

#[test]
fn tags_that_do_not_fit_and_roots_that_are_no_directory() {
    let dir = Scratch::new().unwrap();
    for tag in [String::new(), "x".repeat(37), "a\0b".into()] {
        let config = FsConfig::new(tag, dir.open().unwrap(), Host::here().unwrap());
        assert_eq!(Fs::new(config).err().unwrap().kind(), io::ErrorKind::InvalidInput);
    }
    let file = std::fs::File::create(dir.join("file")).unwrap();
    let config = FsConfig::new("a", file.into(), Host::here().unwrap());
    assert!(Fs::new(config).is_err());
}

#[test]
fn files_go_through_the_queue_in_scattered_pieces() {
    let mut machine = Machine::new();
    std::fs::write(machine.dir.join("a"), "").unwrap();
    let (node, fh) = machine.open(b"a\0");
    let data: Vec<u8> = (0..200_000_u32).map(|number| number as u8).collect();
    let request = wire::WriteIn { fh, size: data.len() as u32, ..Default::default() };
    let mut header = message(Opcode::Write, 9, node, request.as_slice());
    header[..4].copy_from_slice(&(80 + data.len() as u32).to_le_bytes());
    let (one, rest) = data.split_at(777);
    let used = machine.driver.request(1, &[&header[..3], &header[3..], one, rest], &[24]);
    assert_eq!(parse::<wire::SizeOut>(&used).1.size, 200_000);
    assert_eq!(std::fs::read(machine.dir.join("a")).unwrap(), data);

    let request = wire::ReadIn { fh, offset: 1, size: 150_000, ..Default::default() };
    let request = message(Opcode::Read, 10, node, request.as_slice());
    let used = machine.driver.request(1, &[&request], &[5, 11, 4096, 100_000, 45_904]);
    assert_eq!(used.written, 150_016);
    assert_eq!(used.answer()[16..], data[1..150_001]);
}

#[test]
fn forgetting_comes_on_the_other_queue_and_gets_no_reply() {
    let mut machine = Machine::new();
    std::fs::write(machine.dir.join("a"), "").unwrap();
    let entry: wire::EntryOut = machine.get(Opcode::Lookup, ROOT_ID, b"a\0");
    let request = wire::ForgetIn { nlookup: 1 };
    let request = message(Opcode::Forget, 0, entry.nodeid, request.as_slice());
    assert_eq!(machine.driver.request(0, &[&request], &[]).written, 0);
    let request = message(Opcode::Getattr, 3, entry.nodeid, &[0; 16]);
    let used = machine.driver.request(1, &[&request], &[120]);
    assert_eq!(parse::<wire::AttrOut>(&used).0.error, -libc::ESTALE);
}

#[test]
fn many_requests_of_one_notification_are_all_answered() {
    let mut machine = Machine::new();
    let request = message(Opcode::Getattr, 3, ROOT_ID, &[0; 16]);
    for _ in 0..30 {
        machine.driver.add(1, &[&request], &[120]);
    }
    machine.driver.ring(1);
    for _ in 0..30 {
        let used = machine.driver.wait(1);
        assert_eq!(parse::<wire::AttrOut>(&used).0.error, 0);
    }
}

#[test]
fn who_waits_for_a_lock_holds_nobody_up_and_is_answered_when_it_is_free() {
    let mut machine = Machine::new();
    let host = std::fs::File::create(machine.dir.join("a")).unwrap();
    flock(&host, FlockOperation::NonBlockingLockExclusive).unwrap();
    let (node, fh) = machine.open(b"a\0");
    let lock = wire::LkIn {
        fh,
        lk: wire::FileLock { kind: 1, ..Default::default() },
        lk_flags: 1,
        ..Default::default()
    };
    let waiting = message(Opcode::Setlkw, 77, node, lock.as_slice());
    let waiting = machine.driver.send(1, &[&waiting], &[16]);
    machine.get::<wire::AttrOut>(Opcode::Getattr, ROOT_ID, &[0; 16]);
    assert_eq!(machine.driver.used(1), None);
    flock(&host, FlockOperation::Unlock).unwrap();
    let used = machine.driver.wait(1);
    assert_eq!(used.head, waiting);
    let (header, ()) = (parse::<wire::OutHeader>(&used_with_room(&used)).0, ());
    assert_eq!((header.error, header.unique), (0, 77));
}

/// A reply that is a header only, with an object of nothing behind it.
fn used_with_room(used: &Used) -> Used {
    assert_eq!(used.written, 16);
    let mut used = used.clone();
    used.data[..4].copy_from_slice(&32_u32.to_le_bytes());
    used.data.extend_from_slice(&[0; 16]);
    used.written = 32;
    used
}

#[test]
fn an_interrupted_wait_ends_with_eintr() {
    let mut machine = Machine::new();
    let host = std::fs::File::create(machine.dir.join("a")).unwrap();
    flock(&host, FlockOperation::NonBlockingLockExclusive).unwrap();
    let (node, fh) = machine.open(b"a\0");
    let lock = wire::LkIn { fh, lk_flags: 1, ..Default::default() };
    let request = message(Opcode::Setlkw, 77, node, lock.as_slice());
    machine.driver.send(1, &[&request], &[16]);
    machine.get::<wire::AttrOut>(Opcode::Getattr, ROOT_ID, &[0; 16]);
    let request = message(Opcode::Interrupt, 0, 0, wire::InterruptIn { unique: 77 }.as_slice());
    assert_eq!(machine.driver.request(0, &[&request], &[16]).written, 0);
    let used = machine.driver.wait(1);
    assert_eq!(used.answer()[4..8], (-libc::EINTR).to_le_bytes());
}

#[test]
fn stopping_answers_who_waits_and_keeps_what_is_open() {
    let mut machine = Machine::new();
    let host = std::fs::File::create(machine.dir.join("a")).unwrap();
    flock(&host, FlockOperation::NonBlockingLockExclusive).unwrap();
    let (node, fh) = machine.open(b"a\0");
    let lock = wire::LkIn { fh, lk_flags: 1, ..Default::default() };
    let request = message(Opcode::Setlkw, 77, node, lock.as_slice());
    machine.driver.send(1, &[&request], &[16]);
    machine.get::<wire::AttrOut>(Opcode::Getattr, ROOT_ID, &[0; 16]);
    let queues = machine.device.reset();
    assert_eq!(queues.len(), 2);
    let used = machine.driver.used(1).unwrap();
    assert_eq!(used.answer()[4..8], (-libc::EAGAIN).to_le_bytes());
    assert!(machine.device.reset().is_empty());

    // The same guest goes on: its handles are still there.
    machine.device.activate(Activation { queues, ..machine.driver.activation() }).unwrap();
    let request = wire::FlushIn { fh, ..Default::default() };
    let request = message(Opcode::Flush, 5, node, request.as_slice());
    let used = machine.driver.request(1, &[&request], &[16]);
    assert_eq!(used.answer()[4..8], [0; 4]);
    // Another one that has booted anew may say INIT.
    machine.init();
}

#[test]
fn a_queue_that_is_missing_is_named() {
    let dir = Scratch::new().unwrap();
    let config = FsConfig::new("a", dir.open().unwrap(), Host::here().unwrap());
    let mut device = Fs::new(config).unwrap();
    let driver = Driver::new(&[64], 1 << 32);
    let error = device.activate(driver.activation()).unwrap_err();
    assert!(matches!(error, ActivateError::MissingQueue(1)));
}
