#![allow(clippy::unwrap_used)]
use rustix::io::Errno;
use vm_memory::ByteValued;

use crate::fs::guest::{Guest, OFlags};
use crate::fs::opcode::Opcode;
use crate::fs::wire::{
    AccessIn, CopyIn, FallocateIn, LseekIn, LseekOut, ROOT_ID, SizeOut, StatfsOut, WriteIn,
};

#[test]
fn free_space_is_that_of_the_host() {
    let mut guest = Guest::new();
    let space: StatfsOut = guest.get(Opcode::Statfs, ROOT_ID, &[]).unwrap();
    assert!(space.blocks > 0 && space.bfree <= space.blocks);
    assert_eq!(space.namelen, 255);
    guest.call(Opcode::Syncfs, ROOT_ID, &[0; 8]).unwrap();
}

#[test]
fn space_is_allocated_punched_and_sought() {
    let mut guest = Guest::new();
    let (entry, fh) = guest.create(ROOT_ID, "a", OFlags::RDWR, 0o644).unwrap();
    let node = entry.nodeid;
    let allocate = |guest: &mut Guest, mode, offset, length| {
        let request = FallocateIn { fh, offset, length, mode, padding: 0 };
        guest.call(Opcode::Fallocate, node, request.as_slice()).map(|_| ())
    };
    allocate(&mut guest, 0, 0, 1 << 20).unwrap();
    assert_eq!(guest.getattr(node).unwrap().size, 1 << 20);
    guest.write(node, WriteIn { fh, ..Default::default() }, &[1; 1 << 19]).unwrap();
    allocate(&mut guest, 3, 0, 1 << 18).unwrap();
    assert_eq!(guest.read(node, fh, 0, 1).unwrap(), [0]);
    assert_eq!(allocate(&mut guest, 0x4000, 0, 1).unwrap_err(), Errno::OPNOTSUPP);
    assert_eq!(allocate(&mut guest, 0, 0, 0).unwrap_err(), Errno::INVAL);
    let mut seek = |offset, whence| {
        let request = LseekIn { fh, offset, whence, padding: 0 };
        guest.get::<LseekOut>(Opcode::Lseek, node, request.as_slice()).map(|reply| reply.offset)
    };
    assert_eq!(seek(0, 3).unwrap(), 1 << 18);
    assert_eq!(seek(0, 4).unwrap(), 0);
    assert_eq!(seek(1 << 20, 3).unwrap_err(), Errno::NXIO);
    for whence in [0, 1, 2, 5, u32::MAX] {
        assert_eq!(seek(0, whence).unwrap_err(), Errno::INVAL);
    }
}

#[test]
fn ranges_are_copied_between_handles_that_allow_it() {
    let mut guest = Guest::new();
    std::fs::write(guest.dir.join("a"), "hello world").unwrap();
    let from = guest.node("a");
    let fh_in = guest.open(from, OFlags::RDONLY).unwrap();
    let (to, fh_out) = guest.create(ROOT_ID, "b", OFlags::WRONLY, 0o644).unwrap();
    let request = CopyIn {
        fh_in,
        off_in: 6,
        nodeid_out: to.nodeid,
        fh_out,
        len: u64::MAX / 4,
        ..Default::default()
    };
    let mut copy = |request: CopyIn| {
        guest
            .get::<SizeOut>(Opcode::CopyFileRange, from, request.as_slice())
            .map(|reply| reply.size)
    };
    assert_eq!(copy(request).unwrap(), 5);
    assert_eq!(copy(CopyIn { flags: 1, ..request }).unwrap_err(), Errno::INVAL);
    assert_eq!(copy(CopyIn { fh_in: fh_out, ..request }).unwrap_err(), Errno::BADF);
    assert_eq!(
        copy(CopyIn { fh_out: fh_in, nodeid_out: from, ..request }).unwrap_err(),
        Errno::BADF
    );
    assert_eq!(std::fs::read(guest.dir.join("b")).unwrap(), b"world");
}

#[test]
fn access_is_asked_of_the_host() {
    let mut guest = Guest::new();
    std::fs::write(guest.dir.join("a"), "").unwrap();
    let node = guest.node("a");
    let mut access = |mask| {
        guest.call(Opcode::Access, node, AccessIn { mask, padding: 0 }.as_slice()).map(|_| ())
    };
    assert_eq!(access(4), Ok(()));
    assert_eq!(access(2), Ok(()));
    assert_eq!(access(1), Err(Errno::ACCESS));
    assert_eq!(access(8), Err(Errno::INVAL));
}
