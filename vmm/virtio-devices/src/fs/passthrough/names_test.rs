#![allow(clippy::unwrap_used)]
use std::os::unix::fs::MetadataExt;

use rustix::io::Errno;

use crate::fs::guest::{Guest, body, name};
use crate::fs::opcode::Opcode;
use crate::fs::wire::{EntryOut, LinkIn, ROOT_ID, Rename2In, RenameIn};

fn rename(guest: &mut Guest, from: &str, to: &str, flags: u32) -> Result<(), Errno> {
    let request = Rename2In { newdir: ROOT_ID, flags, padding: 0 };
    guest.call(Opcode::Rename2, ROOT_ID, &body(&request, &[from, to])).map(|_| ())
}

#[test]
fn names_go_away() {
    let mut guest = Guest::new();
    std::fs::write(guest.dir.join("file"), "").unwrap();
    std::fs::create_dir(guest.dir.join("dir")).unwrap();
    std::fs::write(guest.dir.join("dir/a"), "").unwrap();
    assert_eq!(guest.call(Opcode::Unlink, ROOT_ID, &name("dir")).unwrap_err(), Errno::ISDIR);
    assert_eq!(guest.call(Opcode::Rmdir, ROOT_ID, &name("file")).unwrap_err(), Errno::NOTDIR);
    assert_eq!(guest.call(Opcode::Rmdir, ROOT_ID, &name("dir")).unwrap_err(), Errno::NOTEMPTY);
    let dir = guest.node("dir");
    guest.call(Opcode::Unlink, dir, &name("a")).unwrap();
    guest.call(Opcode::Rmdir, ROOT_ID, &name("dir")).unwrap();
    guest.call(Opcode::Unlink, ROOT_ID, &name("file")).unwrap();
    assert_eq!(guest.call(Opcode::Unlink, ROOT_ID, &name("file")).unwrap_err(), Errno::NOENT);
    assert_eq!(std::fs::read_dir(guest.dir.path()).unwrap().count(), 0);
    // A directory that is gone takes nothing new.
    assert_eq!(guest.mkdir(dir, "new", 0o755).unwrap_err(), Errno::NOENT);
}

#[test]
fn names_move_are_exchanged_or_kept() {
    let mut guest = Guest::new();
    let dir = guest.dir.path().to_path_buf();
    std::fs::write(dir.join("a"), "a").unwrap();
    std::fs::write(dir.join("b"), "b").unwrap();
    assert_eq!(rename(&mut guest, "a", "b", 1).unwrap_err(), Errno::EXIST);
    rename(&mut guest, "a", "b", 2).unwrap();
    assert_eq!(std::fs::read(dir.join("a")).unwrap(), b"b");
    rename(&mut guest, "a", "c", 1).unwrap();
    rename(&mut guest, "c", "b", 0).unwrap();
    assert_eq!(std::fs::read(dir.join("b")).unwrap(), b"b");
    let request = RenameIn { newdir: ROOT_ID };
    guest.call(Opcode::Rename, ROOT_ID, &body(&request, &["b", "d"])).unwrap();
    assert!(dir.join("d").exists());
    // RENAME_WHITEOUT would make a device node.
    assert_eq!(rename(&mut guest, "d", "e", 4).unwrap_err(), Errno::INVAL);
    assert_eq!(rename(&mut guest, "d", "e", 3).unwrap_err(), Errno::INVAL);
    assert_eq!(rename(&mut guest, "d", "..", 0).unwrap_err(), Errno::INVAL);
}

#[test]
fn links_are_added_to_files_and_to_links_but_not_to_directories() {
    let mut guest = Guest::new();
    std::fs::write(guest.dir.join("a"), "").unwrap();
    std::fs::create_dir(guest.dir.join("dir")).unwrap();
    let mut link = |old: &str, new: &str| {
        let request = LinkIn { oldnodeid: guest.node(old) };
        guest.get::<EntryOut>(Opcode::Link, ROOT_ID, &body(&request, &[new]))
    };
    assert_eq!(link("a", "b").unwrap().attr.nlink, 2);
    assert_eq!(link("a", "b").unwrap_err(), Errno::EXIST);
    assert_eq!(link("dir", "c").unwrap_err(), Errno::PERM);
    guest.symlink("link", "/etc/passwd").unwrap();
    let request = LinkIn { oldnodeid: guest.node("link") };
    guest.call(Opcode::Link, ROOT_ID, &body(&request, &["again"])).unwrap();
    // The link itself, not what it points to.
    let again = std::fs::symlink_metadata(guest.dir.join("again")).unwrap();
    assert!(again.file_type().is_symlink());
    assert_eq!(again.nlink(), 2);
    let request = LinkIn { oldnodeid: 999 };
    let result = guest.call(Opcode::Link, ROOT_ID, &body(&request, &["x"]));
    assert_eq!(result.unwrap_err(), Errno::STALE);
}

#[test]
fn only_links_have_a_text() {
    let mut guest = Guest::new();
    let target = "x".repeat(4095);
    let node = guest.symlink("link", &target).unwrap().nodeid;
    let text = guest.call(Opcode::Readlink, node, &[]).unwrap();
    assert_eq!(text, target.as_bytes());
    assert_eq!(guest.call(Opcode::Readlink, ROOT_ID, &[]).unwrap_err(), Errno::INVAL);
    assert_eq!(guest.symlink("long", &"x".repeat(4096)).unwrap_err(), Errno::NAMETOOLONG);
    assert_eq!(guest.symlink("/tmp/escape", "x").unwrap_err(), Errno::INVAL);
}
