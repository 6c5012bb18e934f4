#![allow(clippy::unwrap_used)]
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use rustix::io::Errno;
use vm_memory::ByteValued;

use crate::fs::guest::{Guest, OFlags};
use crate::fs::opcode::Opcode;
use crate::fs::wire::{ROOT_ID, SetattrIn, StatxIn, StatxOut, WriteIn, flags::setattr};

fn mode(guest: &Guest, name: &str) -> u32 {
    std::fs::metadata(guest.dir.join(name)).unwrap().mode() & 0o7777
}

#[test]
fn attributes_are_those_of_the_host() {
    let mut guest = Guest::new();
    let path = guest.dir.join("a");
    std::fs::write(&path, "hello").unwrap();
    let node = guest.node("a");
    let attr = guest.getattr(node).unwrap();
    let host = std::fs::metadata(&path).unwrap();
    assert_eq!(
        (attr.ino, attr.size, attr.mode, attr.nlink, attr.uid, attr.gid),
        (host.ino(), 5, host.mode(), 1, host.uid(), host.gid())
    );
    assert_eq!(i64::from(attr.mtimensec), host.mtime_nsec());
    let request = StatxIn { sx_mask: 0xfff, ..Default::default() };
    let statx: StatxOut = guest.get(Opcode::Statx, node, request.as_slice()).unwrap();
    assert_eq!((statx.stat.ino, statx.stat.size), (host.ino(), 5));
    assert_eq!(statx.stat.mtime.sec, host.mtime());
}

#[test]
fn modes_change_but_for_the_setuid_and_setgid_bits_of_files() {
    let mut guest = Guest::new();
    std::fs::write(guest.dir.join("file"), "").unwrap();
    std::fs::create_dir(guest.dir.join("dir")).unwrap();
    for (text, wanted, got) in [
        ("file", 0o750, 0o750),
        ("file", 0o6755, 0o755),
        ("file", 0o4711, 0o711),
        ("file", 0o000, 0o000),
        ("dir", 0o6755, 0o2755),
        ("dir", 0o1777, 0o1777),
    ] {
        let node = guest.node(text);
        let request = SetattrIn { valid: setattr::MODE, mode: wanted, ..Default::default() };
        let attr = guest.setattr(node, request).unwrap();
        assert_eq!(attr.mode & 0o7777, got, "{wanted:o}");
        assert_eq!(mode(&guest, text), got);
    }
}

#[test]
fn a_link_has_no_permissions_and_its_target_keeps_its_own() {
    let mut guest = Guest::new();
    std::fs::write(guest.dir.join("file"), "").unwrap();
    let before = mode(&guest, "file");
    let link = guest.symlink("link", "file").unwrap().nodeid;
    let request = SetattrIn { valid: setattr::MODE, mode: 0o777, ..Default::default() };
    assert_eq!(guest.setattr(link, request).unwrap_err(), Errno::OPNOTSUPP);
    // Times of the link itself change.
    let request = SetattrIn { valid: setattr::MTIME, mtime: 1000, ..Default::default() };
    assert_eq!(guest.setattr(link, request).unwrap().mtime, 1000);
    let file = std::fs::metadata(guest.dir.join("file")).unwrap();
    assert_ne!(file.mtime(), 1000);
    assert_eq!(mode(&guest, "file"), before);
}

#[test]
fn sizes_change_by_node_and_by_handle() {
    let mut guest = Guest::new();
    let (entry, fh) = guest.create(ROOT_ID, "a", OFlags::RDWR, 0o644).unwrap();
    let request = SetattrIn { valid: setattr::SIZE, size: 1000, ..Default::default() };
    assert_eq!(guest.setattr(entry.nodeid, request).unwrap().size, 1000);
    let request =
        SetattrIn { valid: setattr::SIZE | setattr::FH, size: 10, fh, ..Default::default() };
    assert_eq!(guest.setattr(entry.nodeid, request).unwrap().size, 10);
    let request = SetattrIn { size: u64::MAX, ..request };
    assert_eq!(guest.setattr(entry.nodeid, request).unwrap_err(), Errno::INVAL);
    let request = SetattrIn { valid: setattr::SIZE, size: 0, ..Default::default() };
    assert_eq!(guest.setattr(ROOT_ID, request).unwrap_err(), Errno::ISDIR);
}

#[test]
fn times_change_one_by_one() {
    let mut guest = Guest::new();
    std::fs::write(guest.dir.join("a"), "").unwrap();
    let node = guest.node("a");
    let request = SetattrIn {
        valid: setattr::ATIME | setattr::MTIME,
        atime: 11,
        atimensec: 12,
        mtime: u64::MAX - 12,
        mtimensec: 14,
        ..Default::default()
    };
    let attr = guest.setattr(node, request).unwrap();
    assert_eq!((attr.atime, attr.atimensec, attr.mtimensec), (11, 12, 14));
    assert_eq!(attr.mtime, u64::MAX - 12);
    let request = SetattrIn { valid: setattr::MTIME | setattr::MTIME_NOW, ..Default::default() };
    let attr = guest.setattr(node, request).unwrap();
    assert!(attr.mtime > 1_600_000_000);
    assert_eq!(attr.atime, 11);
    let request =
        SetattrIn { valid: setattr::ATIME, atimensec: 1_000_000_000, ..Default::default() };
    assert_eq!(guest.setattr(node, request).unwrap_err(), Errno::INVAL);
}

#[test]
fn an_owner_may_be_set_to_what_it_is() {
    let mut guest = Guest::new();
    std::fs::write(guest.dir.join("a"), "").unwrap();
    let node = guest.node("a");
    let attr = guest.getattr(node).unwrap();
    let request = SetattrIn {
        valid: setattr::UID | setattr::GID,
        uid: attr.uid,
        gid: attr.gid,
        ..Default::default()
    };
    guest.setattr(node, request).unwrap();
    let request = SetattrIn { uid: u32::MAX, ..request };
    assert_eq!(guest.setattr(node, request).unwrap_err(), Errno::INVAL);
}

#[test]
fn writing_and_cutting_take_the_setuid_bit_away() {
    let mut guest = Guest::new();
    let path = guest.dir.join("a");
    let setuid = || std::fs::set_permissions(&path, PermissionsExt::from_mode(0o6755)).unwrap();
    std::fs::write(&path, "hello").unwrap();
    setuid();
    let node = guest.node("a");
    let fh = guest.open(node, OFlags::RDWR).unwrap();
    let request = WriteIn { fh, write_flags: 4, ..Default::default() };
    guest.write(node, request, b"x").unwrap();
    assert_eq!(mode(&guest, "a"), 0o755);
    setuid();
    let request = SetattrIn { valid: setattr::SIZE | setattr::KILL_SUIDGID, ..Default::default() };
    guest.setattr(node, request).unwrap();
    assert_eq!(mode(&guest, "a"), 0o755);
}

#[test]
fn files_of_two_devices_do_not_share_a_number() {
    let mut guest = Guest::new();
    let files = guest.server.passthrough_mut();
    let first = files.inode_number((250, 1), 7);
    let second = files.inode_number((250, 2), 7);
    assert_ne!(first, second);
    assert_eq!(files.inode_number((250, 1), 7), first);
    for minor in 0..1000 {
        files.inode_number((251, minor), 7);
    }
    assert_eq!(files.inode_number((250, 2), 7), second);
}
