#![allow(clippy::unwrap_used)]
use rustix::io::Errno;
use vm_memory::ByteValued;

use crate::fs::guest::{Guest, OFlags, body};
use crate::fs::opcode::Opcode;
use crate::fs::wire::{CreateIn, EntryOut, LinkIn, ROOT_ID, WriteIn};

#[test]
fn a_file_without_a_name_can_get_one_later() {
    let mut guest = Guest::new();
    let request = CreateIn {
        flags: (OFlags::RDWR | OFlags::TMPFILE).bits(),
        mode: 0o100_640,
        ..Default::default()
    };
    let reply = guest.call(Opcode::Tmpfile, ROOT_ID, &body(&request, &["#1"])).unwrap();
    let entry: EntryOut = crate::fs::guest::first(&reply);
    let open: crate::fs::wire::OpenOut = crate::fs::guest::first(&reply[128..]);
    assert_eq!((entry.attr.nlink, entry.attr.mode), (0, 0o100_640));
    let write = WriteIn { fh: open.fh, ..Default::default() };
    guest.write(entry.nodeid, write, b"later").unwrap();
    assert_eq!(std::fs::read_dir(guest.dir.path()).unwrap().count(), 0);
    let link = LinkIn { oldnodeid: entry.nodeid };
    let named: EntryOut = guest.get(Opcode::Link, ROOT_ID, &body(&link, &["named"])).unwrap();
    assert_eq!((named.nodeid, named.attr.nlink), (entry.nodeid, 1));
    assert_eq!(std::fs::read(guest.dir.join("named")).unwrap(), b"later");
    // One that was made exclusively stays without.
    let request = CreateIn { flags: request.flags | OFlags::EXCL.bits(), ..request };
    let reply = guest.call(Opcode::Tmpfile, ROOT_ID, &body(&request, &["#2"])).unwrap();
    let entry: EntryOut = crate::fs::guest::first(&reply);
    let link = LinkIn { oldnodeid: entry.nodeid };
    let named = guest.call(Opcode::Link, ROOT_ID, &body(&link, &["other"]));
    assert_eq!(named.unwrap_err(), Errno::NOENT);
    assert_eq!(request.as_slice().len(), 16);
}
