#![allow(clippy::unwrap_used)]
use std::fs::File;

use rustix::fs::{FlockOperation, fcntl_lock, flock};
use rustix::io::Errno;
use vm_memory::ByteValued;

use super::{NO_END, NONE, READ, WRITE};
use crate::fs::guest::{Guest, OFlags, body};
use crate::fs::opcode::Opcode;
use crate::fs::server::{Finished, MAX_WAITING, Outcome};
use crate::fs::wire::{FileLock, FlushIn, InterruptIn, LkIn, ROOT_ID, ReleaseIn, flags};

fn request(fh: u64, owner: u64, kind: u32, start: u64, end: u64) -> LkIn {
    LkIn { fh, owner, lk: FileLock { start, end, kind, pid: 1 }, ..Default::default() }
}

fn lock(guest: &mut Guest, node: u64, request: LkIn) -> Result<(), Errno> {
    guest.call(Opcode::Setlk, node, request.as_slice()).map(|_| ())
}

fn wait(guest: &mut Guest, node: u64, request: LkIn) -> (u64, u64) {
    let header = guest.header(Opcode::Setlkw as u32, node, request.as_slice().len());
    let mut bytes = header.as_slice().to_vec();
    bytes.extend_from_slice(request.as_slice());
    match guest.send(&bytes).0 {
        Outcome::Waits(number) => (number, header.unique),
        other => panic!("{other:?}"),
    }
}

fn flocked(fh: u64, kind: u32) -> LkIn {
    LkIn { lk_flags: flags::LK_FLOCK, ..request(fh, 5, kind, 0, NO_END) }
}

#[test]
fn two_owners_keep_each_other_out() {
    let mut guest = Guest::new();
    let (entry, fh) = guest.create(ROOT_ID, "a", OFlags::RDWR, 0o644).unwrap();
    let node = entry.nodeid;
    lock(&mut guest, node, request(fh, 1, WRITE, 0, 9)).unwrap();
    lock(&mut guest, node, request(fh, 1, WRITE, 5, 9)).unwrap();
    assert_eq!(lock(&mut guest, node, request(fh, 2, READ, 9, 20)).unwrap_err(), Errno::AGAIN);
    lock(&mut guest, node, request(fh, 2, WRITE, 10, NO_END)).unwrap();
    let found: FileLock =
        guest.get(Opcode::Getlk, node, request(fh, 2, READ, 0, 5).as_slice()).unwrap();
    assert_eq!((found.start, found.end, found.kind, found.pid), (0, 9, WRITE, 0));
    let found: FileLock =
        guest.get(Opcode::Getlk, node, request(fh, 3, READ, 10, 10).as_slice()).unwrap();
    assert_eq!((found.start, found.end), (10, NO_END));
    let found: FileLock =
        guest.get(Opcode::Getlk, node, request(fh, 1, WRITE, 0, 9).as_slice()).unwrap();
    assert_eq!(found.kind, NONE);
    lock(&mut guest, node, request(fh, 1, NONE, 0, NO_END)).unwrap();
    lock(&mut guest, node, request(fh, 2, READ, 0, 20)).unwrap();
    // Closing a descriptor gives up what its process holds, and only that.
    lock(&mut guest, node, request(fh, 1, READ, 0, 1)).unwrap();
    let flush = FlushIn { fh, lock_owner: 2, ..Default::default() };
    guest.call(Opcode::Flush, node, flush.as_slice()).unwrap();
    assert_eq!(lock(&mut guest, node, request(fh, 3, WRITE, 0, 1)).unwrap_err(), Errno::AGAIN);
    lock(&mut guest, node, request(fh, 3, WRITE, 2, 30)).unwrap();
}

#[test]
fn host_and_guest_see_each_others_locks() {
    let mut guest = Guest::new();
    let (entry, fh) = guest.create(ROOT_ID, "a", OFlags::RDWR, 0o644).unwrap();
    let node = entry.nodeid;
    let host = File::options().read(true).write(true).open(guest.dir.join("a")).unwrap();
    lock(&mut guest, node, request(fh, 1, WRITE, 0, NO_END)).unwrap();
    let taken = fcntl_lock(&host, FlockOperation::NonBlockingLockShared);
    assert!(matches!(taken, Err(Errno::AGAIN | Errno::ACCESS)));
    lock(&mut guest, node, request(fh, 1, NONE, 0, NO_END)).unwrap();
    fcntl_lock(&host, FlockOperation::NonBlockingLockExclusive).unwrap();
    assert_eq!(lock(&mut guest, node, request(fh, 1, READ, 0, 0)).unwrap_err(), Errno::AGAIN);

    lock(&mut guest, node, flocked(fh, WRITE)).unwrap();
    assert_eq!(flock(&host, FlockOperation::NonBlockingLockShared).unwrap_err(), Errno::AGAIN);
    let other = guest.open(node, OFlags::RDONLY).unwrap();
    assert_eq!(lock(&mut guest, node, flocked(other, READ)).unwrap_err(), Errno::AGAIN);
    let release = ReleaseIn { fh, ..Default::default() };
    guest.call(Opcode::Release, node, release.as_slice()).unwrap();
    flock(&host, FlockOperation::NonBlockingLockExclusive).unwrap();
    assert_eq!(lock(&mut guest, node, flocked(other, WRITE)).unwrap_err(), Errno::AGAIN);
    lock(&mut guest, node, flocked(other, NONE)).unwrap();
}

#[test]
fn who_waits_gets_the_lock_when_it_is_free() {
    let mut guest = Guest::new();
    let (entry, fh) = guest.create(ROOT_ID, "a", OFlags::RDWR, 0o644).unwrap();
    let node = entry.nodeid;
    lock(&mut guest, node, request(fh, 1, WRITE, 0, 9)).unwrap();
    let (first, unique) = wait(&mut guest, node, request(fh, 2, WRITE, 0, 9));
    let (second, _) = wait(&mut guest, node, request(fh, 3, WRITE, 0, 9));
    assert!(guest.server.is_waiting());
    assert_eq!(guest.server.finished(), []);
    lock(&mut guest, node, request(fh, 1, NONE, 0, 9)).unwrap();
    let done = Finished { number: first, result: Ok(()), unique };
    assert_eq!(guest.server.finished(), [done]);
    assert_eq!(guest.server.finished(), []);
    // A lock of another kind waits as well.
    lock(&mut guest, node, flocked(fh, WRITE)).unwrap();
    let other = guest.open(node, OFlags::RDWR).unwrap();
    let (third, _) = wait(&mut guest, node, flocked(other, WRITE));
    lock(&mut guest, node, flocked(fh, NONE)).unwrap();
    assert_eq!(guest.server.finished()[0].number, third);
    let flush = FlushIn { fh, lock_owner: 2, ..Default::default() };
    guest.call(Opcode::Flush, node, flush.as_slice()).unwrap();
    assert_eq!(guest.server.finished()[0].number, second);
    assert!(!guest.server.is_waiting());
}

#[test]
fn waiting_ends_when_it_is_interrupted_or_the_session_ends() {
    let mut guest = Guest::new();
    let (entry, fh) = guest.create(ROOT_ID, "a", OFlags::RDWR, 0o644).unwrap();
    let node = entry.nodeid;
    lock(&mut guest, node, request(fh, 1, WRITE, 0, 9)).unwrap();
    let (number, unique) = wait(&mut guest, node, request(fh, 2, WRITE, 0, 9));
    guest.tell(Opcode::Interrupt, 0, InterruptIn { unique }.as_slice());
    let interrupted = Finished { number, result: Err(Errno::INTR), unique };
    assert_eq!(guest.server.finished(), [interrupted]);
    // What does not wait (any more, or yet) is to be asked again.
    let again = guest.call(Opcode::Interrupt, 0, InterruptIn { unique }.as_slice());
    assert_eq!(again.unwrap_err(), Errno::AGAIN);

    let (number, _) = wait(&mut guest, node, request(fh, 2, WRITE, 0, 9));
    let done = guest.server.give_up_waiting();
    assert_eq!((done[0].number, done[0].result), (number, Err(Errno::AGAIN)));
    let (number, _) = wait(&mut guest, node, request(fh, 2, WRITE, 0, 9));
    guest.call(Opcode::Destroy, 0, &[]).unwrap();
    let done = guest.server.finished();
    assert_eq!((done[0].number, done[0].result), (number, Err(Errno::INTR)));
}

#[test]
fn the_number_of_those_who_wait_is_bounded() {
    let mut guest = Guest::new();
    let (entry, fh) = guest.create(ROOT_ID, "a", OFlags::RDWR, 0o644).unwrap();
    let node = entry.nodeid;
    lock(&mut guest, node, flocked(fh, WRITE)).unwrap();
    let other = guest.open(node, OFlags::RDWR).unwrap();
    for _ in 0..MAX_WAITING {
        wait(&mut guest, node, flocked(other, WRITE));
    }
    let more = guest.call(Opcode::Setlkw, node, flocked(other, WRITE).as_slice());
    assert_eq!(more.unwrap_err(), Errno::NOLCK);
}

#[test]
fn ranges_and_kinds_that_are_none() {
    let mut guest = Guest::new();
    let (entry, fh) = guest.create(ROOT_ID, "a", OFlags::RDWR, 0o644).unwrap();
    let node = entry.nodeid;
    for bad in [
        request(fh, 1, READ, 5, 4),
        request(fh, 1, READ, 0, u64::MAX),
        request(fh, 1, READ, u64::MAX, u64::MAX),
        request(fh, 1, 3, 0, 1),
        request(fh, 1, u32::MAX, 0, 1),
        flocked(fh, 3),
    ] {
        assert_eq!(lock(&mut guest, node, bad).unwrap_err(), Errno::INVAL, "{bad:?}");
    }
    assert_eq!(lock(&mut guest, node, request(99, 1, READ, 0, 1)).unwrap_err(), Errno::BADF);
    let reading = guest.open(node, OFlags::RDONLY).unwrap();
    assert_eq!(lock(&mut guest, node, request(reading, 1, WRITE, 0, 1)).unwrap_err(), Errno::BADF);
    lock(&mut guest, node, request(reading, 1, READ, 0, NO_END - 1)).unwrap();
    assert_eq!(body(&FileLock::default(), &[]).len(), 24);
}
