#![allow(clippy::unwrap_used)]
use std::os::unix::fs::symlink;

use rustix::io::Errno;

use crate::fs::guest::{Guest, OFlags, name};
use crate::fs::opcode::Opcode;
use crate::fs::wire::ROOT_ID;

#[test]
fn names_lead_to_nodes() {
    let mut guest = Guest::new();
    std::fs::create_dir(guest.dir.join("dir")).unwrap();
    std::fs::write(guest.dir.join("dir/a"), "hello").unwrap();
    let dir = guest.node("dir");
    let entry = guest.lookup(dir, "a").unwrap();
    assert_eq!(entry.attr.size, 5);
    assert_eq!(entry.attr.mode & 0o170_000, 0o100_000);
    assert_eq!(guest.lookup(dir, "b").unwrap_err(), Errno::NOENT);
    assert_eq!(guest.lookup(entry.nodeid, "a").unwrap_err(), Errno::NOTDIR);
    assert_eq!(guest.lookup(99, "a").unwrap_err(), Errno::STALE);
    assert_eq!(guest.lookup(0, "a").unwrap_err(), Errno::STALE);
}

#[test]
fn names_that_would_lead_out_are_refused() {
    let mut guest = Guest::new();
    std::fs::create_dir(guest.dir.join("dir")).unwrap();
    for bad in ["..", ".", "", "/etc", "dir/..", "../..", "dir/"] {
        let result = guest.call(Opcode::Lookup, ROOT_ID, &name(bad));
        assert_eq!(result.unwrap_err(), Errno::INVAL, "{bad}");
    }
}

#[test]
fn links_are_text_and_are_never_followed() {
    let mut guest = Guest::new();
    symlink("/etc", guest.dir.join("host made")).unwrap();
    guest.symlink("guest made", "/etc/passwd").unwrap();
    for (text, target) in [("host made", "/etc"), ("guest made", "/etc/passwd")] {
        let node = guest.node(text);
        assert_eq!(guest.getattr(node).unwrap().mode & 0o170_000, 0o120_000);
        let answer = guest.call(Opcode::Readlink, node, &[]).unwrap();
        assert_eq!(answer, target.as_bytes());
        assert_eq!(guest.lookup(node, "passwd").unwrap_err(), Errno::NOTDIR);
        assert_eq!(guest.open(node, OFlags::RDONLY).unwrap_err(), Errno::OPNOTSUPP);
        assert_eq!(guest.call(Opcode::Opendir, node, &[]).unwrap_err(), Errno::NOTDIR);
        let made = guest.create(ROOT_ID, text, OFlags::RDWR, 0o644);
        assert_eq!(made.unwrap_err(), Errno::LOOP);
    }
}

#[test]
fn a_directory_that_becomes_a_link_stays_what_it_was() {
    let mut guest = Guest::new();
    let dir = guest.dir.path().to_path_buf();
    std::fs::create_dir(dir.join("dir")).unwrap();
    std::fs::write(dir.join("dir/passwd"), "ours").unwrap();
    let node = guest.node("dir");
    // The host swaps the directory for a link between the guest's steps.
    std::fs::rename(dir.join("dir"), dir.join("elsewhere")).unwrap();
    symlink("/etc", dir.join("dir")).unwrap();
    let file = guest.lookup(node, "passwd").unwrap();
    assert_eq!(file.attr.size, 4);
    let fh = guest.open(file.nodeid, OFlags::RDONLY).unwrap();
    assert_eq!(guest.read(file.nodeid, fh, 0, 100).unwrap(), b"ours");
    guest.create(node, "new", OFlags::RDWR, 0o644).unwrap();
    assert!(dir.join("elsewhere/new").exists());
    // Asked again, the name is a link.
    let link = guest.node("dir");
    assert_ne!(link, node);
    assert_eq!(guest.lookup(link, "passwd").unwrap_err(), Errno::NOTDIR);
}

#[test]
fn a_file_that_becomes_a_link_stays_what_it_was() {
    let mut guest = Guest::new();
    let path = guest.dir.join("file");
    std::fs::write(&path, "ours").unwrap();
    let node = guest.node("file");
    std::fs::remove_file(&path).unwrap();
    symlink("/etc/passwd", &path).unwrap();
    match guest.open(node, OFlags::RDONLY) {
        Ok(fh) => assert_eq!(guest.read(node, fh, 0, 100).unwrap(), b"ours"),
        // Where a node is known by name, it is gone.
        Err(error) => assert_eq!(error, Errno::STALE),
    }
}

#[test]
fn directories_may_be_believed_longer_than_files() {
    let mut guest = Guest::new();
    std::fs::create_dir(guest.dir.join("dir")).unwrap();
    std::fs::write(guest.dir.join("file"), "").unwrap();
    let dir = guest.lookup(ROOT_ID, "dir").unwrap();
    assert_eq!((dir.entry_valid, dir.attr_valid), (1, 1));
    let file = guest.lookup(ROOT_ID, "file").unwrap();
    assert_eq!((file.entry_valid, file.entry_valid_nsec), (0, 0));
    assert_eq!((file.attr_valid, file.attr_valid_nsec), (0, 100_000_000));
}
