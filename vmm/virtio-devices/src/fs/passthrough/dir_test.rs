#![allow(clippy::unwrap_used)]
use std::collections::BTreeSet;

use rustix::io::Errno;
use vm_memory::ByteValued;

use crate::fs::guest::{Guest, first};
use crate::fs::opcode::Opcode;
use crate::fs::passthrough::limits::Limits;
use crate::fs::wire::{Dirent, EntryOut, OpenOut, ROOT_ID, ReadIn, ReleaseIn};

fn opendir(guest: &mut Guest, node: u64) -> u64 {
    let reply: OpenOut = guest.get(Opcode::Opendir, node, &[]).unwrap();
    reply.fh
}

/// The entries of one reply.
fn entries(reply: &[u8], plus: bool) -> Vec<(EntryOut, Dirent, String)> {
    let mut rest = reply;
    let mut entries = Vec::new();
    while !rest.is_empty() {
        let start = rest;
        let mut entry = EntryOut::default();
        if plus {
            entry = first(rest);
            rest = &rest[128..];
        }
        let dirent: Dirent = first(rest);
        let length = dirent.namelen as usize;
        let name = String::from_utf8(rest[24..24 + length].to_vec()).unwrap();
        let total = (if plus { 152 } else { 24 } + length).next_multiple_of(8);
        entries.push((entry, dirent, name));
        rest = &start[total..];
    }
    entries
}

fn list(
    guest: &mut Guest,
    node: u64,
    fh: u64,
    offset: u64,
    size: u32,
    plus: bool,
) -> Result<Vec<(EntryOut, Dirent, String)>, Errno> {
    let request = ReadIn { fh, offset, size, ..Default::default() };
    let opcode = if plus { Opcode::Readdirplus } else { Opcode::Readdir };
    let reply = guest.call(opcode, node, request.as_slice())?;
    assert!(reply.len() <= size as usize);
    Ok(entries(&reply, plus))
}

#[test]
fn five_thousand_files_are_listed_once_each_in_small_pieces() {
    let mut guest = Guest::new();
    for number in 0..5000 {
        std::fs::write(guest.dir.join(format!("file {number}")), "").unwrap();
    }
    for (plus, size) in [(false, 300), (false, 4096), (true, 500), (true, 4096)] {
        let fh = opendir(&mut guest, ROOT_ID);
        let (mut offset, mut names, mut told) = (0, BTreeSet::new(), Vec::new());
        loop {
            let some = list(&mut guest, ROOT_ID, fh, offset, size, plus).unwrap();
            let Some(last) = some.last() else { break };
            offset = last.1.off;
            for (entry, _, name) in some {
                assert_eq!(plus && !name.starts_with('.'), entry.nodeid != 0);
                told.push(entry.nodeid);
                assert!(names.insert(name.clone()), "{name} twice");
            }
        }
        assert_eq!(names.len(), 5002, "plus {plus}, {size} bytes");
        // Each that was told is counted exactly once.
        assert_eq!(guest.server.passthrough().known(), if plus { 5001 } else { 1 });
        for node in told {
            guest.forget(node, 1);
        }
        assert_eq!(guest.server.passthrough().known(), 1);
        let request = ReleaseIn { fh, ..Default::default() };
        guest.call(Opcode::Releasedir, ROOT_ID, request.as_slice()).unwrap();
    }
}

#[test]
fn a_listing_goes_on_from_any_entry_and_from_the_start() {
    let mut guest = Guest::new();
    for number in 0..50 {
        std::fs::write(guest.dir.join(format!("{number}")), "").unwrap();
    }
    let fh = opendir(&mut guest, ROOT_ID);
    let all = list(&mut guest, ROOT_ID, fh, 0, 1 << 16, false).unwrap();
    assert_eq!(all.len(), 52);
    let names = |some: &[(EntryOut, Dirent, String)]| -> Vec<String> {
        some.iter().map(|entry| entry.2.clone()).collect()
    };
    for at in [30, 10, 51, 0] {
        let rest = list(&mut guest, ROOT_ID, fh, all[at].1.off, 1 << 16, at % 20 == 10).unwrap();
        assert_eq!(names(&rest), names(&all[at + 1..]));
    }
    assert_eq!(names(&list(&mut guest, ROOT_ID, fh, 0, 1 << 16, false).unwrap()), names(&all));
}

#[test]
fn kinds_and_numbers_are_right_and_nothing_outside_shows() {
    let mut guest = Guest::new();
    std::fs::write(guest.dir.join("file"), "").unwrap();
    std::fs::create_dir(guest.dir.join("dir")).unwrap();
    guest.symlink("link", "x").unwrap();
    let root = guest.getattr(ROOT_ID).unwrap().ino;
    let fh = opendir(&mut guest, ROOT_ID);
    for (_, dirent, name) in list(&mut guest, ROOT_ID, fh, 0, 4096, false).unwrap() {
        let (kind, ino) = match name.as_str() {
            "." | ".." => (4, root),
            "file" => (8, guest.lookup(ROOT_ID, "file").unwrap().attr.ino),
            "dir" => (4, guest.lookup(ROOT_ID, "dir").unwrap().attr.ino),
            _ => (10, guest.lookup(ROOT_ID, "link").unwrap().attr.ino),
        };
        assert_eq!((dirent.kind, dirent.ino), (kind, ino), "{name}");
    }
}

#[test]
fn handles_of_directories_are_theirs_alone() {
    let mut guest = Guest::new();
    let dir = guest.mkdir(ROOT_ID, "dir", 0o755).unwrap().nodeid;
    let fh = opendir(&mut guest, dir);
    assert_eq!(list(&mut guest, ROOT_ID, fh, 0, 4096, false).unwrap_err(), Errno::BADF);
    assert_eq!(guest.read(dir, fh, 0, 10).unwrap_err(), Errno::BADF);
    assert_eq!(list(&mut guest, dir, fh, 0, 8, false).unwrap_err(), Errno::INVAL);
    assert_eq!(list(&mut guest, dir, fh, 0, 4096, true).unwrap().len(), 2);
    let request = ReleaseIn { fh, ..Default::default() };
    guest.call(Opcode::Releasedir, dir, request.as_slice()).unwrap();
    assert_eq!(list(&mut guest, dir, fh, 0, 4096, false).unwrap_err(), Errno::BADF);
}

#[test]
fn a_listing_leaves_room_for_files_that_are_asked_for() {
    let mut guest = Guest::with(|config| {
        config.limits = Some(Limits { nodes: 8, handles: 8 });
    });
    for number in 0..20 {
        std::fs::write(guest.dir.join(format!("{number}")), "").unwrap();
    }
    let fh = opendir(&mut guest, ROOT_ID);
    let all = list(&mut guest, ROOT_ID, fh, 0, 1 << 16, true).unwrap();
    assert_eq!(all.len(), 22, "every name is told");
    assert_eq!(all.iter().filter(|(entry, _, _)| entry.nodeid != 0).count(), 6);
    let left = all.iter().filter(|(entry, _, name)| entry.nodeid == 0 && !name.starts_with('.'));
    let found: Vec<_> = left.take(3).map(|(_, _, name)| guest.lookup(ROOT_ID, name)).collect();
    assert!(found[0].is_ok() && found[1].is_ok());
    assert_eq!(found[2].as_ref().err(), Some(&Errno::NFILE));
}
