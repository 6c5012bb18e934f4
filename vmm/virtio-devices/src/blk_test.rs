#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]

use std::io::Write;
use std::os::unix::fs::FileExt;

use super::*;
use crate::testing::{Driver, NEXT, Used, WRITE};

const SECTORS: u64 = 8;

/// Byte `at` of the test disk.
fn byte(at: usize) -> u8 {
    (at / 512 * 31 + at) as u8
}

fn image() -> File {
    let mut file = tempfile::tempfile().unwrap();
    let bytes: Vec<u8> = (0..SECTORS as usize * 512).map(byte).collect();
    file.write_all(&bytes).unwrap();
    file
}

fn started() -> (Driver, Blk) {
    let driver = Driver::new(&QUEUE_SIZES, features::ALL);
    let mut blk = Blk::new(image()).unwrap();
    blk.activate(driver.activation()).unwrap();
    (driver, blk)
}

fn header(kind: u32, sector: u64) -> Vec<u8> {
    let mut header = kind.to_le_bytes().to_vec();
    header.extend([0; 4]);
    header.extend(sector.to_le_bytes());
    header
}

fn status(used: &Used) -> u8 {
    *used.data.last().unwrap()
}

#[test]
fn the_device_says_what_it_is() {
    let blk = Blk::new(image()).unwrap();
    assert_eq!((blk.device_type(), blk.sectors()), (2, SECTORS));
    assert_eq!(blk.features() & F_RO, F_RO);
    let mut config = [0xaa; 32];
    blk.read_config(0, &mut config);
    assert_eq!(config[..8], SECTORS.to_le_bytes());
    assert_eq!(config[12..16], 254_u32.to_le_bytes());
    assert_eq!(config[20..24], 512_u32.to_le_bytes());
    assert_eq!(config[24..], [0; 8]);
    for offset in [24, 1 << 40, u64::MAX] {
        let mut past = [0xaa; 4];
        blk.read_config(offset, &mut past);
        assert_eq!(past, [0; 4]);
    }
    let odd = tempfile::tempfile().unwrap();
    odd.set_len(1000).unwrap();
    let refused = Blk::new(odd).err().unwrap();
    assert_eq!(refused.kind(), io::ErrorKind::InvalidInput);
}

#[test]
fn sectors_are_read() {
    let (mut driver, mut blk) = started();
    for sector in 0..SECTORS {
        let used = driver.request(0, &[&header(0, sector)], &[512, 1]);
        let start = sector as usize * 512;
        let mut wanted: Vec<u8> = (start..start + 512).map(byte).collect();
        wanted.push(0);
        assert_eq!((used.written, used.data), (513, wanted));
    }
    // However the driver cuts its buffers, the status is the last byte.
    let pieces = [100, 924, 1, 1024];
    let (kind, rest) = (&header(0, 3)[..5], &header(0, 3)[5..]);
    let used = driver.request(0, &[kind, rest], &pieces);
    assert_eq!((used.written, status(&used)), (2049, 0));
    assert_eq!(used.data[..2048], (1536..3584).map(byte).collect::<Vec<_>>());
    assert_eq!(blk.reset().len(), 1);
}

#[test]
fn many_requests_may_wait() {
    let (mut driver, _blk) = started();
    let mut sectors = std::collections::BTreeMap::new();
    for sector in (0..SECTORS).cycle().take(64) {
        let head = driver.add(0, &[&header(0, sector)], &[512, 1]);
        sectors.insert(head, sector);
    }
    driver.ring(0);
    for _ in 0..64 {
        let used = driver.wait(0);
        let sector = sectors.remove(&used.head).unwrap();
        assert_eq!(used.data[1], byte(sector as usize * 512 + 1));
        assert_eq!(status(&used), 0);
    }
}

#[test]
fn reads_stay_inside_the_disk() {
    let (mut driver, _blk) = started();
    for (sector, length) in [
        (SECTORS, 512),
        (SECTORS - 1, 1024),
        (0, (SECTORS as usize + 1) * 512),
        (u64::MAX, 512),
        (u64::MAX / 512, 512),
        (1 << 55, 512),
        (0, 511),
        (0, 513),
    ] {
        let used = driver.request(0, &[&header(0, sector)], &[length, 1]);
        assert_eq!((used.written, status(&used)), (1, 1), "{sector} {length}");
        assert!(used.data[..length].iter().all(|byte| *byte == 0));
    }
    let nothing = driver.request(0, &[&header(0, SECTORS)], &[1]);
    assert_eq!((nothing.written, status(&nothing)), (1, 0));
}

#[test]
fn nothing_is_ever_written() {
    let file = image();
    let mut driver = Driver::new(&QUEUE_SIZES, features::ALL);
    let mut blk = Blk::new(file.try_clone().unwrap()).unwrap();
    blk.activate(driver.activation()).unwrap();
    let used = driver.request(0, &[&header(1, 0), &[0x55; 512]], &[1]);
    assert_eq!((used.written, used.data), (1, vec![1]));
    let mut first = [0; 512];
    file.read_exact_at(&mut first, 0).unwrap();
    assert_eq!(first[..], (0..512).map(byte).collect::<Vec<_>>());
}

#[test]
fn other_requests() {
    let (mut driver, _blk) = started();
    let used = driver.request(0, &[&header(8, 0)], &[20, 1]);
    assert_eq!((used.written, &used.data[..4]), (21, &b"qvm\0"[..]));
    let short = driver.request(0, &[&header(8, 0)], &[2, 1]);
    assert_eq!((short.written, short.data), (3, b"qv\0".to_vec()));
    let flush = driver.request(0, &[&header(4, 0)], &[1]);
    assert_eq!((flush.written, flush.data), (1, vec![0]));
    for kind in [2, 3, 5, 11, 13, 14, 0x8000_0000, u32::MAX] {
        let used = driver.request(0, &[&header(kind, 0)], &[1]);
        assert_eq!(used.data, [2], "{kind}");
    }
}

#[test]
fn ill_formed_requests_are_answered_where_they_can_be() {
    let (mut driver, _blk) = started();
    let used = driver.request(0, &[&header(0, 0)[..15]], &[512, 1]);
    assert_eq!((used.written, status(&used)), (1, 1), "no whole header");
    let used = driver.request(0, &[], &[513]);
    assert_eq!((used.written, status(&used)), (1, 1), "no header");
    let used = driver.request(0, &[&header(0, 0)], &[]);
    assert_eq!(used.written, 0, "no room for a status");
    let used = driver.request(0, &[&header(0, 0)], &[512, 1]);
    assert_eq!(status(&used), 0, "and it goes on");
    assert_eq!(driver.interrupt.reset_count(), 0);
}

#[test]
fn buffers_outside_memory_stop_the_device() {
    let (mut driver, mut blk) = started();
    let ring = &mut driver.rings[0];
    ring.describe(0, 0x10_0000, 16, NEXT, 1);
    ring.describe(1, 1 << 40, 512, NEXT | WRITE, 2);
    ring.describe(2, 0x10_1000, 1, WRITE, 0);
    ring.publish(0);
    driver.ring(0);
    driver.interrupt.wait_reset();
    blk.reset();
    let mut driver = Driver::new(&QUEUE_SIZES, features::ALL);
    blk.activate(driver.activation()).unwrap();
    let used = driver.request(0, &[&header(0, 0)], &[512, 1]);
    assert_eq!(status(&used), 0);
}

#[test]
fn an_image_that_shrinks_fails_reads() {
    let file = image();
    let mut driver = Driver::new(&QUEUE_SIZES, features::ALL);
    let mut blk = Blk::new(file.try_clone().unwrap()).unwrap();
    blk.activate(driver.activation()).unwrap();
    file.set_len(700).unwrap();
    let used = driver.request(0, &[&header(0, 1)], &[512, 1]);
    assert_eq!((used.written, status(&used)), (700 - 512 + 1, 1));
}
