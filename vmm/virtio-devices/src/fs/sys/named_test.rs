#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]
//! Nodes that are known by name. Run on Linux with the feature `named-nodes`, like all the other
//! tests of the share.

use std::os::unix::fs::symlink;

use rustix::io::Errno;
use vm_memory::ByteValued;

use super::{Budget, Host};
use crate::fs::guest::{Guest, OFlags, body};
use crate::fs::opcode::Opcode;
use crate::fs::wire::flags::{rename, setattr};
use crate::fs::wire::{Dirent, GetattrIn, OpenOut, ROOT_ID, ReadIn, Rename2In, SetattrIn, WriteIn};

fn rename(guest: &mut Guest, from: &str, newdir: u64, to: &str, flags: u32) {
    let request = Rename2In { newdir, flags, padding: 0 };
    guest.call(Opcode::Rename2, ROOT_ID, &body(&request, &[from, to])).unwrap();
}

fn contents(guest: &mut Guest, node: u64) -> Result<Vec<u8>, Errno> {
    let fh = guest.open(node, OFlags::RDONLY)?;
    guest.read(node, fh, 0, 100)
}

#[test]
fn a_node_that_the_guest_moves_is_followed() {
    let mut guest = Guest::new();
    std::fs::write(guest.dir.join("a"), "a").unwrap();
    std::fs::write(guest.dir.join("b"), "b").unwrap();
    let dir = guest.mkdir(ROOT_ID, "dir", 0o755).unwrap().nodeid;
    let (a, b) = (guest.node("a"), guest.node("b"));
    rename(&mut guest, "a", dir, "moved", 0);
    assert_eq!(contents(&mut guest, a).unwrap(), b"a");
    let request = Rename2In { newdir: ROOT_ID, flags: rename::EXCHANGE, padding: 0 };
    guest.call(Opcode::Rename2, dir, &body(&request, &["moved", "b"])).unwrap();
    assert_eq!(contents(&mut guest, a).unwrap(), b"a");
    assert_eq!(contents(&mut guest, b).unwrap(), b"b");
    // The directory is a descriptor: what is in it stays where it is.
    rename(&mut guest, "dir", ROOT_ID, "elsewhere", rename::NOREPLACE);
    assert_eq!(contents(&mut guest, b).unwrap(), b"b");
}

#[test]
fn a_node_that_the_host_moves_is_found_when_it_is_asked_for() {
    let mut guest = Guest::new();
    std::fs::write(guest.dir.join("a"), "a").unwrap();
    let node = guest.node("a");
    std::fs::rename(guest.dir.join("a"), guest.dir.join("b")).unwrap();
    assert_eq!(contents(&mut guest, node).unwrap_err(), Errno::STALE);
    assert_eq!(guest.getattr(node).unwrap_err(), Errno::STALE);
    assert_eq!(guest.node("b"), node);
    assert_eq!(contents(&mut guest, node).unwrap(), b"a");
}

#[test]
fn nothing_else_is_ever_opened_or_cut_in_a_nodes_place() {
    let mut guest = Guest::new();
    let (path, other) = (guest.dir.join("a"), guest.dir.join("other"));
    std::fs::write(&path, "a").unwrap();
    let node = guest.node("a");
    let kept = std::fs::File::open(&path).unwrap();
    std::fs::write(&other, "somebody else's").unwrap();
    std::fs::rename(&other, &path).unwrap();
    for flags in [OFlags::RDONLY, OFlags::RDWR, OFlags::RDWR | OFlags::TRUNC] {
        assert_eq!(guest.open(node, flags).unwrap_err(), Errno::STALE);
    }
    let request = SetattrIn { valid: setattr::SIZE, ..Default::default() };
    assert_eq!(guest.setattr(node, request).unwrap_err(), Errno::STALE);
    let request = SetattrIn { valid: setattr::MODE, mode: 0o777, ..Default::default() };
    assert_eq!(guest.setattr(node, request).unwrap_err(), Errno::STALE);
    assert_eq!(std::fs::read(&path).unwrap(), b"somebody else's");
    std::fs::remove_file(&path).unwrap();
    symlink("/etc/passwd", &path).unwrap();
    assert_eq!(guest.open(node, OFlags::RDONLY).unwrap_err(), Errno::STALE);
    drop(kept);
}

#[test]
fn a_file_that_is_removed_while_it_is_open_goes_on() {
    let mut guest = Guest::new();
    let (entry, fh) = guest.create(ROOT_ID, "a", OFlags::RDWR, 0o644).unwrap();
    let node = entry.nodeid;
    guest.call(Opcode::Unlink, ROOT_ID, b"a\0").unwrap();
    guest.write(node, WriteIn { fh, ..Default::default() }, b"hello").unwrap();
    let request =
        SetattrIn { valid: setattr::SIZE | setattr::FH, size: 4, fh, ..Default::default() };
    assert_eq!(guest.setattr(node, request).unwrap().size, 4);
    assert_eq!(guest.getattr(node).unwrap().nlink, 0);
    let request = GetattrIn { getattr_flags: 1, fh, ..Default::default() };
    guest.call(Opcode::Getattr, node, request.as_slice()).unwrap();
    assert_eq!(guest.read(node, fh, 0, 100).unwrap(), b"hell");
}

#[test]
fn directories_take_descriptors_and_files_none() {
    let mut guest = Guest::with(|config| config.host = Host { folders: Budget::new(2) });
    for number in 0..100 {
        std::fs::write(guest.dir.join(format!("{number}")), "").unwrap();
        guest.node(&format!("{number}"));
    }
    for name in ["a", "b", "c"] {
        std::fs::create_dir(guest.dir.join(name)).unwrap();
    }
    let (a, _) = (guest.node("a"), guest.node("b"));
    assert_eq!(guest.lookup(ROOT_ID, "c").unwrap_err(), Errno::NFILE);
    // A directory that is forgotten stays open for as long as a file in it is known.
    let (inside, _) = guest.create(a, "inside", OFlags::RDWR, 0o644).unwrap();
    guest.forget(a, 1);
    assert_eq!(guest.lookup(a, "inside").unwrap_err(), Errno::STALE);
    assert_eq!(contents(&mut guest, inside.nodeid).unwrap(), b"");
    assert_eq!(guest.lookup(ROOT_ID, "c").unwrap_err(), Errno::NFILE);
    guest.forget(inside.nodeid, 1);
    guest.lookup(ROOT_ID, "c").unwrap();
}

/// The names from `offset` on, with their places, in replies of `size` bytes.
fn page(guest: &mut Guest, fh: u64, offset: u64, size: u32) -> Vec<(String, u64)> {
    let request = ReadIn { fh, offset, size, ..Default::default() };
    let reply = guest.call(Opcode::Readdir, ROOT_ID, request.as_slice()).unwrap();
    let (mut names, mut rest) = (Vec::new(), &reply[..]);
    while !rest.is_empty() {
        let dirent: Dirent = crate::fs::guest::first(rest);
        let length = dirent.namelen as usize;
        let name = String::from_utf8(rest[24..24 + length].to_vec()).unwrap();
        names.push((name, dirent.off));
        rest = &rest[(24 + length).next_multiple_of(8)..];
    }
    names
}

#[test]
fn a_listing_goes_on_wherever_the_guest_says_also_while_files_go() {
    let mut guest = Guest::new();
    for number in 0..300 {
        std::fs::write(guest.dir.join(format!("file-{number}")), "").unwrap();
    }
    let open: OpenOut = guest.get(Opcode::Opendir, ROOT_ID, &[0; 8]).unwrap();
    let fh = open.fh;
    // As a program does that removes what it lists, and has no room for all of a reply.
    let (mut all, mut offset) = (Vec::new(), 0);
    loop {
        let names = page(&mut guest, fh, offset, 4096);
        if names.is_empty() {
            break;
        }
        for (name, next) in names.into_iter().take(70) {
            if name.starts_with("file-") {
                std::fs::remove_file(guest.dir.join(&name)).unwrap();
            }
            all.push(name);
            offset = next;
        }
    }
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 302, "each of them once");
    assert_eq!(std::fs::read_dir(guest.dir.path()).unwrap().count(), 0);

    // Back to the beginning is a new listing; far beyond the end is nothing.
    std::fs::write(guest.dir.join("new"), "").unwrap();
    assert_eq!(page(&mut guest, fh, 0, 4096).len(), 3);
    assert!(page(&mut guest, fh, u64::MAX, 4096).is_empty());
    assert!(page(&mut guest, fh, 1 << 40, 4096).is_empty());
    assert_eq!(page(&mut guest, fh, 2, 4096).len(), 1);
    assert_eq!(page(&mut guest, fh, 1, 4096).len(), 2);
    assert_eq!(page(&mut guest, fh, 0, 4096).len(), 3);
}
