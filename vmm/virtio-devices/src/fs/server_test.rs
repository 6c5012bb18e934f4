#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]
use vm_memory::ByteValued;

use super::*;
use crate::fs::guest::{Guest, OFlags, body, first, name};
use crate::fs::sys::Host;
use crate::fs::wire::{self, ROOT_ID, flags::init};

#[test]
fn init_takes_the_features_that_are_wanted_and_no_others() {
    let mut guest = Guest::closed(|_| ());
    let reply = guest.init().unwrap();
    assert_eq!((reply.major, reply.minor), (7, 39));
    assert_eq!((reply.max_write, reply.max_pages), (1 << 20, 256));
    let taken = u64::from(reply.flags);
    for wanted in [
        init::DO_READDIRPLUS,
        init::AUTO_INVAL_DATA,
        init::POSIX_LOCKS,
        init::FLOCK_LOCKS,
        init::HANDLE_KILLPRIV_V2,
    ] {
        assert_ne!(taken & wanted, 0, "{wanted:#x}");
    }
    // Splicing, DONT_MASK, WRITEBACK_CACHE, POSIX_ACL, MAP_ALIGNMENT, SUBMOUNTS, SETXATTR_EXT.
    for unwanted in [6, 7, 8, 9, 16, 20, 26, 27, 29] {
        assert_eq!(taken & (1 << unwanted), 0, "bit {unwanted}");
    }
    assert_eq!(reply.flags2, 0);
}

#[test]
fn locks_stay_in_the_guest_where_they_must_not_reach_the_host() {
    for change in [(|config| config.read_only = true) as fn(&mut crate::fs::FsConfig), |config| {
        config.share_locks = false
    }] {
        let mut guest = Guest::closed(change);
        let taken = u64::from(guest.init().unwrap().flags);
        assert_eq!(taken & (init::POSIX_LOCKS | init::FLOCK_LOCKS), 0);
    }
}

#[test]
fn init_is_said_once_a_session() {
    let mut guest = Guest::new();
    assert_eq!(guest.init().unwrap_err(), Errno::IO);
    guest.call(Opcode::Destroy, 0, &[]).unwrap();
    assert_eq!(guest.getattr(ROOT_ID).unwrap_err(), Errno::IO);
    guest.init().unwrap();
    guest.getattr(ROOT_ID).unwrap();
    guest.server.restarted();
    guest.getattr(ROOT_ID).unwrap();
    guest.init().unwrap();
    assert_eq!(guest.init().unwrap_err(), Errno::IO);
}

#[test]
fn destroy_forgets_and_closes_everything() {
    let mut guest = Guest::new();
    let (entry, fh) = guest.create(ROOT_ID, "a", OFlags::RDWR, 0o644).unwrap();
    guest.call(Opcode::Destroy, 0, &[]).unwrap();
    guest.init().unwrap();
    assert_eq!(guest.getattr(entry.nodeid).unwrap_err(), Errno::STALE);
    assert_eq!(guest.read(entry.nodeid, fh, 0, 1).unwrap_err(), Errno::BADF);
    assert_eq!(guest.server.passthrough().known(), 1);
    assert_ne!(guest.node("a"), entry.nodeid, "a node id came back");
}

#[test]
fn nothing_works_before_init() {
    let mut guest = Guest::closed(|_| ());
    std::fs::write(guest.dir.join("a"), "").unwrap();
    for opcode in Opcode::ALL {
        match opcode {
            Opcode::Init => {}
            Opcode::Forget | Opcode::BatchForget => guest.tell(*opcode, 1, &[0; 16]),
            _ => assert_eq!(
                guest.call(*opcode, ROOT_ID, &[0; 128]).unwrap_err(),
                Errno::IO,
                "{opcode:?}"
            ),
        }
    }
}

#[test]
fn versions_that_are_too_old_or_too_new() {
    let mut guest = Guest::closed(|_| ());
    let mut ask = |major, minor| {
        let request = wire::InitIn { major, minor, ..Default::default() };
        guest.get::<wire::InitOut>(Opcode::Init, 0, request.as_slice())
    };
    assert_eq!(ask(6, 99).unwrap_err(), Errno::PROTO);
    assert_eq!(ask(7, 8).unwrap_err(), Errno::PROTO);
    let newer = ask(8, 0).unwrap();
    assert_eq!((newer.major, newer.flags), (7, 0));
    let older = ask(7, 31).unwrap();
    assert_eq!((older.major, older.minor, older.max_write), (7, 31, 32 * 4096));
}

#[test]
fn unknown_opcodes_are_not_there() {
    let mut guest = Guest::new();
    for number in [0, 7, 19, 37, 39, 40, 41, 48, 49, 53, 4096, u32::MAX] {
        let header = guest.header(number, ROOT_ID, 0);
        let (_, reply) = guest.send(header.as_slice());
        let out: OutHeader = first(&reply);
        assert_eq!(out.error, -Errno::NOSYS.raw_os_error(), "{number}");
    }
}

#[test]
fn lengths_that_lie() {
    let mut guest = Guest::new();
    for (len, extensions) in [(0, 0), (39, 0), (41, 0), (u32::MAX, 0), (40, 1), (40, u16::MAX)] {
        let mut header = guest.header(Opcode::Statfs as u32, ROOT_ID, 0);
        header.len = len;
        header.total_extlen = extensions;
        let (_, reply) = guest.send(header.as_slice());
        let out: OutHeader = first(&reply);
        assert_eq!(out.error, -Errno::INVAL.raw_os_error(), "{len} {extensions}");
    }
    // Less than a header gets nothing at all.
    for length in 0..40 {
        assert_eq!(guest.send(&vec![1; length]), (Outcome::Done(0), vec![]));
    }
    let huge = vec![b'x'; MAX_BODY + 1];
    assert_eq!(guest.call(Opcode::Lookup, ROOT_ID, &huge).unwrap_err(), Errno::TOOBIG);
}

#[test]
fn bytes_behind_the_request_do_not_matter() {
    let mut guest = Guest::new();
    std::fs::write(guest.dir.join("a"), "").unwrap();
    let mut request = name("a");
    let length = request.len();
    request.extend_from_slice(b"more");
    let mut bytes = guest.header(Opcode::Lookup as u32, ROOT_ID, length).as_slice().to_vec();
    bytes.extend_from_slice(&request);
    let (_, reply) = guest.send(&bytes);
    assert_eq!(first::<OutHeader>(&reply).error, 0);
}

#[test]
fn a_request_without_room_for_its_reply_is_not_begun() {
    let mut guest = Guest::new();
    guest.room = HEADER - 1;
    let request = body(&wire::MkdirIn { mode: 0o755, umask: 0 }, &["a"]);
    let mut bytes = guest.header(Opcode::Mkdir as u32, ROOT_ID, request.len()).as_slice().to_vec();
    bytes.extend_from_slice(&request);
    assert_eq!(guest.send(&bytes).0, Outcome::Done(0));
    assert!(!guest.dir.join("a").exists());
    // Where only the payload finds no room, the guest hears of it.
    guest.room = HEADER + 10;
    assert_eq!(guest.getattr(ROOT_ID).unwrap_err(), Errno::IO);
}

#[test]
fn a_read_only_share_refuses_every_change() {
    let mut guest = Guest::closed(|config| config.read_only = true);
    let dir = guest.dir.path().to_path_buf();
    std::fs::write(dir.join("file"), "contents").unwrap();
    std::fs::create_dir(dir.join("dir")).unwrap();
    guest.init().unwrap();
    let file = guest.node("file");
    let fh = guest.open(file, OFlags::RDONLY).unwrap();
    let before = std::fs::metadata(dir.join("file")).unwrap();

    let lock = wire::LkIn {
        fh,
        lk: wire::FileLock { end: 9, kind: 1, ..Default::default() },
        ..Default::default()
    };
    let mut changes: Vec<(Opcode, u64, Vec<u8>)> = vec![
        (Opcode::Symlink, ROOT_ID, [name("new"), name("file")].concat()),
        (
            Opcode::Mknod,
            ROOT_ID,
            body(&wire::MknodIn { mode: 0o100_644, ..Default::default() }, &["new"]),
        ),
        (Opcode::Mkdir, ROOT_ID, body(&wire::MkdirIn::default(), &["new"])),
        (Opcode::Unlink, ROOT_ID, name("file")),
        (Opcode::Rmdir, ROOT_ID, name("dir")),
        (Opcode::Rename, ROOT_ID, body(&wire::RenameIn { newdir: ROOT_ID }, &["file", "new"])),
        (
            Opcode::Rename2,
            ROOT_ID,
            body(&wire::Rename2In { newdir: ROOT_ID, flags: 2, padding: 0 }, &["file", "dir"]),
        ),
        (Opcode::Link, ROOT_ID, body(&wire::LinkIn { oldnodeid: file }, &["new"])),
        (Opcode::Create, ROOT_ID, body(&wire::CreateIn::default(), &["new"])),
        (Opcode::Create, ROOT_ID, body(&wire::CreateIn::default(), &["file"])),
        (
            Opcode::Tmpfile,
            ROOT_ID,
            body(&wire::CreateIn { flags: 2, ..Default::default() }, &["x"]),
        ),
        (Opcode::Write, file, body(&wire::WriteIn { fh, size: 4, ..Default::default() }, &["abc"])),
        (
            Opcode::Fallocate,
            file,
            body(&wire::FallocateIn { fh, length: 1 << 20, ..Default::default() }, &[]),
        ),
        (
            Opcode::CopyFileRange,
            file,
            body(
                &wire::CopyIn {
                    fh_in: fh,
                    fh_out: fh,
                    nodeid_out: file,
                    len: 4,
                    ..Default::default()
                },
                &[],
            ),
        ),
        (Opcode::Setxattr, file, body(&wire::SetxattrIn { size: 0, flags: 0 }, &["user.a"])),
        (Opcode::Removexattr, file, name("user.a")),
        (Opcode::Setlk, file, body(&lock, &[])),
        (Opcode::Setlkw, file, body(&lock, &[])),
        (Opcode::Setlk, file, body(&wire::LkIn { lk_flags: 1, ..lock }, &[])),
        (Opcode::Access, file, body(&wire::AccessIn { mask: 2, padding: 0 }, &[])),
    ];
    for valid in [1, 2, 4, 8, 16, 32, 128, 256, 1 << 11, 0x1bf] {
        let request = wire::SetattrIn { valid, mode: 0o777, ..Default::default() };
        changes.push((Opcode::Setattr, file, body(&request, &[])));
    }
    for flags in [OFlags::WRONLY, OFlags::RDWR, OFlags::TRUNC, OFlags::RDWR | OFlags::APPEND] {
        let request = wire::OpenIn { flags: flags.bits(), open_flags: 0 };
        changes.push((Opcode::Open, file, body(&request, &[])));
    }
    for (opcode, node, request) in changes {
        let result = guest.call(opcode, node, &request);
        assert_eq!(result.unwrap_err(), Errno::ROFS, "{opcode:?}");
    }

    assert_eq!(guest.read(file, fh, 0, 100).unwrap(), b"contents");
    let after = std::fs::metadata(dir.join("file")).unwrap();
    use std::os::unix::fs::MetadataExt;
    assert_eq!(
        (before.mode(), before.size(), before.mtime_nsec(), before.ctime_nsec(),),
        (after.mode(), after.size(), after.mtime_nsec(), after.ctime_nsec(),),
    );
    // Where the system lets a file be read without a trace.
    if !Host::QUIET.is_empty() {
        assert_eq!((before.atime(), before.atime_nsec()), (after.atime(), after.atime_nsec()));
    }
    let mut names: Vec<_> =
        std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["dir", "file"]);
}
