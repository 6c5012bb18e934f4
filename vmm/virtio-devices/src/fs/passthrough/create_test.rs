#![allow(clippy::unwrap_used, clippy::useless_conversion)]
use std::os::unix::fs::{FileTypeExt, MetadataExt};

use rustix::fs::FileType;
use rustix::io::Errno;

use crate::fs::guest::{Guest, OFlags, body, make_fifo};
use crate::fs::opcode::Opcode;
use crate::fs::sys::Host;
use crate::fs::wire::{EntryOut, MknodIn, ROOT_ID, WriteIn};

#[test]
fn files_are_made_with_the_mode_asked_for_and_the_callers_owner() {
    let mut guest = Guest::new();
    let made = guest.create(ROOT_ID, "a", OFlags::RDWR, 0o666).unwrap();
    assert_eq!(made.0.attr.mode, 0o100_666);
    let host = std::fs::metadata(guest.dir.join("a")).unwrap();
    assert_eq!(host.uid(), rustix::process::geteuid().as_raw());
    assert_eq!(guest.mkdir(ROOT_ID, "d", 0o777).unwrap().attr.mode, 0o40_777);
    // No setuid or setgid file comes out of a guest.
    let made = guest.create(ROOT_ID, "b", OFlags::RDWR, 0o6755).unwrap();
    assert_eq!(made.0.attr.mode, 0o100_755);
}

#[test]
fn a_file_is_open_whatever_its_mode_forbids() {
    let mut guest = Guest::new();
    for (text, mode) in [("r", 0o444), ("w", 0o200), ("none", 0o000)] {
        let (entry, fh) = guest.create(ROOT_ID, text, OFlags::RDWR | OFlags::EXCL, mode).unwrap();
        let request = WriteIn { fh, ..Default::default() };
        assert_eq!(guest.write(entry.nodeid, request, b"abc").unwrap(), 3);
        assert_eq!(guest.read(entry.nodeid, fh, 0, 9).unwrap(), b"abc");
        assert_eq!(guest.getattr(entry.nodeid).unwrap().mode & 0o7777, mode);
    }
}

#[test]
fn what_is_there_is_opened_unless_the_request_is_exclusive() {
    let mut guest = Guest::new();
    std::fs::write(guest.dir.join("a"), "hello").unwrap();
    let (entry, fh) = guest.create(ROOT_ID, "a", OFlags::RDONLY, 0o644).unwrap();
    assert_eq!(guest.read(entry.nodeid, fh, 0, 9).unwrap(), b"hello");
    let (entry, _) = guest.create(ROOT_ID, "a", OFlags::RDWR | OFlags::TRUNC, 0o644).unwrap();
    assert_eq!(entry.attr.size, 0);
    let made = guest.create(ROOT_ID, "a", OFlags::RDWR | OFlags::EXCL, 0o644);
    assert_eq!(made.unwrap_err(), Errno::EXIST);
}

#[test]
fn creating_never_opens_a_fifo_or_a_device_node() {
    let mut guest = Guest::new();
    make_fifo(&guest.dir.join("fifo"));
    let made = guest.create(ROOT_ID, "fifo", OFlags::RDWR, 0o644);
    assert_eq!(made.unwrap_err(), Errno::OPNOTSUPP);
    let node = guest.node("fifo");
    assert_eq!(guest.open(node, OFlags::RDWR).unwrap_err(), Errno::OPNOTSUPP);
    guest.forget(node, 1);
    std::fs::create_dir(guest.dir.join("dir")).unwrap();
    let made = guest.create(ROOT_ID, "dir", OFlags::RDWR, 0o644);
    assert_eq!(made.unwrap_err(), Errno::ISDIR);
    // What the guest was not told of is not kept.
    assert_eq!(guest.server.passthrough().known(), 1);
}

#[test]
fn fifos_and_sockets_can_be_made_and_device_nodes_cannot() {
    let mut guest = Guest::new();
    let dir = guest.dir.path().to_path_buf();
    let mut make = |text: &str, kind: FileType| {
        let request = MknodIn {
            mode: u32::from(kind.as_raw_mode()) | 0o640,
            rdev: 0x0103,
            ..Default::default()
        };
        guest.get::<EntryOut>(Opcode::Mknod, ROOT_ID, &body(&request, &[text]))
    };
    assert_eq!(make("file", FileType::RegularFile).unwrap().attr.mode, 0o100_640);
    assert_eq!(make("fifo", FileType::Fifo).unwrap().attr.mode, 0o10_640);
    match make("sock", FileType::Socket) {
        Ok(made) => {
            assert_eq!(made.attr.mode, 0o140_640);
            let host = std::fs::symlink_metadata(dir.join("sock")).unwrap();
            assert!(host.file_type().is_socket());
        }
        // A system that makes them by binding only.
        Err(error) => {
            assert!(error == Errno::PERM && Host::QUIET.is_empty());
            assert!(!dir.join("sock").exists());
        }
    }
    for kind in
        [FileType::CharacterDevice, FileType::BlockDevice, FileType::Directory, FileType::Symlink]
    {
        assert_eq!(make("x", kind).unwrap_err(), Errno::PERM);
    }
    assert!(!dir.join("x").exists());
}
