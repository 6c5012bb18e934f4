#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]
use rustix::io::Errno;
use vm_memory::ByteValued;

use crate::fs::guest::{Guest, OFlags, body};
use crate::fs::opcode::Opcode;
use crate::fs::wire::{FsyncIn, ROOT_ID, WriteIn, flags};

#[test]
fn bytes_written_are_bytes_read() {
    let mut guest = Guest::new();
    let (entry, fh) = guest.create(ROOT_ID, "a", OFlags::RDWR, 0o644).unwrap();
    let node = entry.nodeid;
    let data: Vec<u8> = (0..100_000_u32).map(|number| number as u8).collect();
    let request = WriteIn { fh, offset: 5000, ..Default::default() };
    assert_eq!(guest.write(node, request, &data).unwrap(), data.len());
    assert_eq!(guest.read(node, fh, 5000, 100_000).unwrap(), data);
    assert_eq!(guest.read(node, fh, 4999, 2).unwrap(), [0, 0]);
    assert_eq!(guest.read(node, fh, 104_990, 100).unwrap().len(), 10);
    assert!(guest.read(node, fh, 200_000, 100).unwrap().is_empty());
    assert!(guest.read(node, fh, 0, 0).unwrap().is_empty());
    for fsync_flags in [0, flags::FSYNC_DATA] {
        let request = FsyncIn { fh, fsync_flags, padding: 0 };
        guest.call(Opcode::Fsync, node, request.as_slice()).unwrap();
    }
}

#[test]
fn sizes_and_offsets_out_of_range() {
    let mut guest = Guest::new();
    let (entry, fh) = guest.create(ROOT_ID, "a", OFlags::RDWR, 0o644).unwrap();
    let node = entry.nodeid;
    guest.write(node, WriteIn { fh, ..Default::default() }, b"hello").unwrap();
    // Never more than there is room for, whatever is asked.
    assert_eq!(guest.read(node, fh, 0, u32::MAX).unwrap(), b"hello");
    guest.room = 18;
    assert_eq!(guest.read(node, fh, 0, 100).unwrap(), b"he");
    guest.room = 1 << 20;
    assert_eq!(guest.read(node, fh, u64::MAX, 1).unwrap_err(), Errno::INVAL);
    let request = WriteIn { fh, offset: u64::MAX, ..Default::default() };
    assert_eq!(guest.write(node, request, b"x").unwrap_err(), Errno::INVAL);
    // A write that says more than it brings.
    let request = WriteIn { fh, size: 100, ..Default::default() };
    let result = guest.call(Opcode::Write, node, &body(&request, &["short"]));
    assert_eq!(result.unwrap_err(), Errno::INVAL);
    assert_eq!(guest.call(Opcode::Write, node, &[0; 39]).unwrap_err(), Errno::INVAL);
    assert_eq!(std::fs::read(guest.dir.join("a")).unwrap(), b"hello");
}

#[test]
fn a_file_that_appends_does_so_on_the_host() {
    let mut guest = Guest::new();
    let append = OFlags::WRONLY | OFlags::APPEND;
    let (entry, fh) = guest.create(ROOT_ID, "a", append, 0o644).unwrap();
    let node = entry.nodeid;
    let request = WriteIn { fh, flags: append.bits(), ..Default::default() };
    guest.write(node, request, b"one").unwrap();
    // The host appends, and the guest's idea of the end is old.
    let path = guest.dir.join("a");
    std::fs::write(&path, "one two").unwrap();
    guest.write(node, WriteIn { offset: 3, ..request }, b" three").unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"one two three");
    // Pages of a mapping go to their place, and so does everything once the flag is off.
    let cached = WriteIn { write_flags: flags::WRITE_CACHE, ..request };
    guest.write(node, cached, b"ONE").unwrap();
    let plain = WriteIn { flags: 0, offset: 4, ..request };
    guest.write(node, plain, b"TWO").unwrap();
    guest.write(node, request, b"!").unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"ONE TWO three!");
}

#[test]
fn handles_serve_what_they_were_opened_for() {
    let mut guest = Guest::new();
    std::fs::write(guest.dir.join("a"), "a").unwrap();
    std::fs::write(guest.dir.join("b"), "b").unwrap();
    let (a, b) = (guest.node("a"), guest.node("b"));
    let reading = guest.open(a, OFlags::RDONLY).unwrap();
    let writing = guest.open(a, OFlags::WRONLY).unwrap();
    let write = |fh| WriteIn { fh, ..Default::default() };
    assert_eq!(guest.write(a, write(reading), b"x").unwrap_err(), Errno::BADF);
    assert_eq!(guest.read(a, writing, 0, 1).unwrap_err(), Errno::BADF);
    assert_eq!(guest.read(b, reading, 0, 1).unwrap_err(), Errno::BADF);
    assert_eq!(guest.write(b, write(writing), b"x").unwrap_err(), Errno::BADF);
    assert_eq!(guest.read(a, 99, 0, 1).unwrap_err(), Errno::BADF);
    assert_eq!(guest.read(a, u64::MAX, 0, 1).unwrap_err(), Errno::BADF);
    assert_eq!(std::fs::read(guest.dir.join("b")).unwrap(), b"b");
}
