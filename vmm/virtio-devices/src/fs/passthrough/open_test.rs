#![allow(clippy::unwrap_used)]
use std::time::{Duration, SystemTime};

use rustix::io::Errno;
use vm_memory::ByteValued;

use crate::fs::guest::{Guest, OFlags};
use crate::fs::opcode::Opcode;
use crate::fs::passthrough::limits::Limits;
use crate::fs::wire::{FlushIn, OpenIn, OpenOut, ROOT_ID, ReleaseIn, WriteIn, flags::open_reply};

#[test]
fn files_are_opened_and_closed() {
    let mut guest = Guest::new();
    std::fs::write(guest.dir.join("a"), "hello").unwrap();
    let node = guest.node("a");
    let fh = guest.open(node, OFlags::RDWR).unwrap();
    let flush = FlushIn { fh, ..Default::default() };
    guest.call(Opcode::Flush, node, flush.as_slice()).unwrap();
    let release = ReleaseIn { fh, ..Default::default() };
    assert_eq!(guest.call(Opcode::Release, ROOT_ID, release.as_slice()).unwrap_err(), Errno::BADF);
    guest.call(Opcode::Release, node, release.as_slice()).unwrap();
    assert_eq!(guest.call(Opcode::Release, node, release.as_slice()).unwrap_err(), Errno::BADF);
    assert_eq!(guest.read(node, fh, 0, 1).unwrap_err(), Errno::BADF);
    assert_eq!(guest.open(ROOT_ID, OFlags::RDONLY).unwrap_err(), Errno::ISDIR);
    assert_eq!(guest.open(node, OFlags::RWMODE).unwrap_err(), Errno::INVAL);
    guest.open(node, OFlags::RDWR | OFlags::TRUNC).unwrap();
    assert_eq!(guest.getattr(node).unwrap().size, 0);
}

#[test]
fn flags_that_are_not_for_the_host_do_not_reach_it() {
    let mut guest = Guest::new();
    std::fs::write(guest.dir.join("a"), "hello").unwrap();
    let node = guest.node("a");
    // O_DIRECT with a buffer that is not aligned, O_PATH, O_DIRECTORY, O_TMPFILE, O_EXCL.
    for odd in [
        OFlags::DIRECT,
        OFlags::PATH,
        OFlags::DIRECTORY,
        OFlags::TMPFILE,
        OFlags::EXCL,
        OFlags::CREATE,
    ] {
        let fh = guest.open(node, OFlags::RDONLY | odd).unwrap();
        assert_eq!(guest.read(node, fh, 1, 3).unwrap(), b"ell", "{odd:?}");
    }
}

#[test]
fn handles_and_nodes_run_out_without_harm() {
    let mut guest = Guest::with(|config| {
        config.limits = Some(Limits { nodes: 3, handles: 2 });
    });
    for name in ["a", "b", "c", "d"] {
        std::fs::write(guest.dir.join(name), "").unwrap();
    }
    let nodes = ["a", "b", "c"].map(|name| guest.node(name));
    assert_eq!(guest.lookup(ROOT_ID, "d").unwrap_err(), Errno::NFILE);
    assert_eq!(guest.mkdir(ROOT_ID, "e", 0o755).unwrap_err(), Errno::NFILE);
    guest.lookup(ROOT_ID, "a").unwrap();
    let first = guest.open(nodes[0], OFlags::RDWR).unwrap();
    guest.open(nodes[1], OFlags::RDWR).unwrap();
    assert_eq!(guest.open(nodes[2], OFlags::RDWR).unwrap_err(), Errno::NFILE);
    assert_eq!(guest.call(Opcode::Opendir, ROOT_ID, &[]).unwrap_err(), Errno::NFILE);
    let release = ReleaseIn { fh: first, ..Default::default() };
    guest.call(Opcode::Release, nodes[0], release.as_slice()).unwrap();
    guest.open(nodes[2], OFlags::RDWR).unwrap();
    guest.forget(nodes[0], 2);
    guest.lookup(ROOT_ID, "d").unwrap();
    // An open file of a node that is forgotten still counts as a handle only.
    guest.forget(nodes[1], 1);
    assert!(guest.lookup(ROOT_ID, "a").is_ok());
}

#[test]
fn cached_pages_are_kept_only_while_the_file_is_what_it_was() {
    let mut guest = Guest::new();
    let path = guest.dir.join("a");
    std::fs::write(&path, "hello").unwrap();
    let node = guest.node("a");
    let keeps = |guest: &mut Guest| {
        let reply: OpenOut =
            guest.get(Opcode::Open, node, OpenIn { flags: 2, open_flags: 0 }.as_slice()).unwrap();
        (reply.open_flags & open_reply::KEEP_CACHE != 0, reply.fh)
    };
    // Just written: the host may write again within the same tick of the clock.
    assert!(!keeps(&mut guest).0);
    assert!(!keeps(&mut guest).0);
    let stamp = stamp_of(&mut guest, node);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let seconds = |time: Duration| i64::try_from(time.as_secs()).unwrap();
    assert!(stamp.is_fresh(seconds(now)));
    assert!(!stamp.is_fresh(seconds(now + Duration::from_secs(3))));
    // As if it had been old when it was opened.
    let nodes = &mut guest.server.passthrough_mut().nodes;
    assert!(!nodes.unchanged(node, Some(stamp)));
    assert!(nodes.unchanged(node, Some(stamp)));
    let (_, fh) = keeps(&mut guest);
    guest.write(node, WriteIn { fh, ..Default::default() }, b"longer than before").unwrap();
    let after = stamp_of(&mut guest, node);
    assert_ne!(stamp, after);
}

fn stamp_of(guest: &mut Guest, node: u64) -> super::Stamp {
    let files = guest.server.passthrough_mut();
    let node = files.nodes.get(node).unwrap();
    super::Stamp::of(&files.host.stat(&node.held).unwrap())
}

#[test]
fn flags_are_the_guests_and_become_the_hosts() {
    use rustix::fs::OFlags as Host;
    for (guest, host) in [
        (0, Host::RDONLY),
        (1, Host::WRONLY),
        (2, Host::RDWR),
        (0o2001, Host::WRONLY | Host::APPEND),
        (0o1002, Host::RDWR | Host::TRUNC),
        (0o10001, Host::WRONLY | Host::DSYNC),
        (0o4_010_001, Host::WRONLY | Host::SYNC | Host::DSYNC),
    ] {
        assert_eq!(super::host_flags(guest, false), Ok(host), "{guest:o}");
        // What x86 calls O_DIRECT, O_LARGEFILE, O_DIRECTORY and O_NOFOLLOW is O_DIRECTORY,
        // O_NOFOLLOW, O_DIRECT and O_LARGEFILE to arm: none of it is looked at.
        for bit in [0o40000, 0o100_000, 0o200_000, 0o400_000] {
            assert_eq!(super::host_flags(guest | bit, false), Ok(host), "{guest:o} {bit:o}");
        }
    }
    assert_eq!(super::host_flags(3, false), Err(Errno::INVAL));
}
