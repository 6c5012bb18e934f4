#![allow(clippy::unwrap_used, reason = "test code")]

use vm_memory::{Bytes, GuestMemoryBackend};

use super::super::fixture::memfd;
use super::*;

const PAGE: u64 = 4096;

fn region(guest: u64, size: u64, monitor: u64, offset: u64) -> VhostUserMemoryRegion {
    VhostUserMemoryRegion::new(guest, size, monitor, offset)
}

#[test]
fn addresses_are_translated_inside_regions_only() {
    let file = memfd(4 * PAGE);
    let files = vec![file.try_clone().unwrap(), file.try_clone().unwrap()];
    // Not in order, as a monitor may send them.
    let regions =
        [region(1 << 32, PAGE, 0x7000_0000, 3 * PAGE), region(0, 2 * PAGE, 0x5000_0000, 0)];
    let table = Table::map(&regions, files).unwrap();
    assert_eq!(table.translate(0x7000_0000), Some(1 << 32));
    assert_eq!(table.translate(0x7000_0fff), Some((1 << 32) + 0xfff));
    assert_eq!(table.translate(0x7000_1000), None);
    assert_eq!(table.translate(0x4fff_ffff), None);
    assert_eq!(table.translate(0x5000_1fff), Some(0x1fff));
    assert_eq!(table.translate(0), None);
    assert_eq!(table.translate(u64::MAX), None);
    table.memory().write_slice(b"seen", GuestAddress(1 << 32)).unwrap();
    let mut seen = [0; 4];
    std::os::unix::fs::FileExt::read_exact_at(&file, &mut seen, 3 * PAGE).unwrap();
    assert_eq!(&seen, b"seen");
    assert_eq!(table.memory().num_regions(), 2);
}

fn refused(regions: &[VhostUserMemoryRegion], file: &File) -> MemoryError {
    let files = regions.iter().map(|_| file.try_clone().unwrap()).collect();
    Table::map(regions, files).unwrap_err()
}

#[test]
fn regions_past_the_end_of_their_file_are_refused() {
    let file = memfd(4 * PAGE);
    let cases = [
        region(0, 5 * PAGE, 0, 0),
        region(0, PAGE, 0, 4 * PAGE),
        region(0, PAGE, 0, u64::MAX - PAGE + 1),
        region(0, u64::MAX, 0, 0),
        region(0, u64::MAX, 0, u64::MAX),
    ];
    for case in cases {
        let error = refused(&[case], &file);
        assert!(matches!(error, MemoryError::PastEnd { .. }), "{error}");
    }
}

#[test]
fn regions_that_overlap_or_wrap_are_refused() {
    let file = memfd(4 * PAGE);
    let overlap = [region(0, 2 * PAGE, 0, 0), region(PAGE, PAGE, 0, 0)];
    assert!(matches!(refused(&overlap, &file), MemoryError::Layout(_)));
    let wrap = [region(u64::MAX - PAGE + 2, PAGE, 0, 0)];
    assert!(matches!(refused(&wrap, &file), MemoryError::Map(_)));
    let unaligned = [region(0, PAGE, 0, 1)];
    assert!(matches!(refused(&unaligned, &file), MemoryError::Map(_)));
}

#[test]
fn files_that_are_none_are_refused() {
    let (pipe, _writer) = rustix::pipe::pipe().unwrap();
    let file = File::from(pipe);
    let error = refused(&[region(0, PAGE, 0, 0)], &file);
    assert!(matches!(error, MemoryError::NotRegular), "{error}");
    let error = refused(&[region(0, PAGE, 0, 0)], &File::open("/dev/zero").unwrap());
    assert!(matches!(error, MemoryError::NotRegular), "{error}");
}
