#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]

use std::io::{Read, Seek, Write};

use vm_memory::{Bytes, GuestAddress};

use super::super::{Chain, QueueError};
use crate::Memory;
use crate::testing::{Driver, NEXT, WRITE};

fn chain(readable: &[&[u8]], writable: &[usize]) -> (Driver, Chain) {
    let mut driver = Driver::new(&[64], 0);
    driver.add(0, readable, writable);
    let chain = driver.queue(0).pop(&driver.memory).unwrap().unwrap();
    (driver, chain)
}

#[test]
fn reads_do_not_see_where_buffers_end() {
    let (driver, chain) = chain(&[b"abc", b"", b"defgh", b"i"], &[]);
    let mut reader = chain.reader(&driver.memory).unwrap();
    assert_eq!(reader.remaining(), 9);
    let mut data = [0; 4];
    reader.read_exact(&mut data).unwrap();
    assert_eq!(&data, b"abcd");
    assert_eq!(reader.read_obj::<u16>(), Ok(u16::from_le_bytes(*b"ef")));
    reader.skip(1).unwrap();
    let short = QueueError::TooShort { wanted: 3, remaining: 2 };
    assert_eq!(reader.read_exact(&mut [0; 3]), Err(short));
    assert_eq!(reader.skip(3), Err(short));
    assert_eq!(reader.split_at(3).err(), Some(short));
    assert_eq!(reader.remaining(), 2);
    let mut rest = Vec::new();
    reader.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, b"hi");
}

#[test]
fn readers_split_anywhere() {
    let (driver, chain) = chain(&[b"abc", b"def"], &[]);
    for at in 0..=6 {
        let mut first = chain.reader(&driver.memory).unwrap();
        let mut second = first.split_at(at).unwrap();
        let (mut head, mut tail) = (String::new(), String::new());
        first.read_to_string(&mut head).unwrap();
        second.read_to_string(&mut tail).unwrap();
        assert_eq!((head.len(), head + &tail), (at, "abcdef".to_owned()));
    }
}

#[test]
fn writes_fill_buffers_in_order() {
    let (mut driver, chain) = chain(&[], &[3, 0, 4]);
    let memory = driver.memory.clone();
    let mut header = chain.writer(&memory).unwrap();
    let mut body = header.split_at(2).unwrap();
    body.write_all(b"body").unwrap();
    assert_eq!((body.written(), body.remaining()), (4, 1));
    header.write_obj(&u16::from_le_bytes(*b"hd")).unwrap();
    assert_eq!(header.written(), 2);
    let short = QueueError::TooShort { wanted: 2, remaining: 1 };
    assert_eq!(body.write_all(b"xy"), Err(short));
    assert_eq!(Write::write(&mut body, b"xy").unwrap(), 1);
    assert_eq!(Write::write(&mut body, b"z").unwrap(), 0);
    let mut queue = driver.queue(0);
    queue.push(&memory, chain.head(), 7).unwrap();
    assert_eq!(driver.used(0).unwrap().data, b"hdbodyx");
}

#[test]
fn a_buffer_may_run_into_the_next_region() {
    let half = 2 << 20;
    let regions = [(GuestAddress(0), half), (GuestAddress(half as u64), half)];
    let memory = std::sync::Arc::new(Memory::from_ranges(&regions).unwrap());
    let mut driver = Driver::with_memory(memory.clone(), &[8], 0);
    let start = half as u64 - 2;
    memory.write_slice(b"abcd", GuestAddress(start)).unwrap();
    driver.rings[0].describe(0, start, 4, NEXT, 1);
    driver.rings[0].describe(1, 2 * half as u64 - 2, 4, WRITE, 0);
    driver.rings[0].publish(0);
    let chain = driver.queue(0).pop(&memory).unwrap().unwrap();
    let mut text = String::new();
    let mut reader = chain.reader(&memory).unwrap();
    reader.read_to_string(&mut text).unwrap();
    assert_eq!(text, "abcd");
    assert!(chain.writer(&memory).is_err(), "past the last region");
}

#[test]
fn files_go_straight_to_guest_memory() {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(b"0123456789").unwrap();
    let (mut driver, chain) = chain(&[], &[3, 3, 10]);
    let memory = driver.memory.clone();
    let mut writer = chain.writer(&memory).unwrap();
    assert_eq!(writer.write_from_file_at(&file, 5, 2).unwrap(), 5);
    assert_eq!(writer.write_from_file_at(&file, 11, 7).unwrap(), 3, "the file ends");
    assert_eq!((writer.written(), writer.remaining()), (8, 8));
    assert_eq!(writer.write_from_file_at(&file, 8, 10).unwrap(), 0);
    let invalid = |error: std::io::Error| error.kind() == std::io::ErrorKind::InvalidInput;
    assert!(writer.write_from_file_at(&file, 9, 0).is_err_and(invalid));
    assert!(writer.write_from_file_at(&file, 1, u64::MAX).is_err_and(invalid));
    assert!(writer.write_from_file_at(&file, 1, i64::MAX as u64 + 1).is_err_and(invalid));
    driver.queue(0).push(&memory, chain.head(), 8).unwrap();
    assert_eq!(driver.used(0).unwrap().answer(), b"23456789");
}

#[test]
fn guest_memory_goes_straight_to_files() {
    let mut file = tempfile::tempfile().unwrap();
    let (driver, chain) = chain(&[b"abc", b"defg"], &[]);
    let mut reader = chain.reader(&driver.memory).unwrap();
    reader.skip(1).unwrap();
    assert_eq!(reader.read_to_file_at(&file, 5, 1).unwrap(), 5);
    assert_eq!(reader.remaining(), 1);
    let mut text = Vec::new();
    file.rewind().unwrap();
    file.read_to_end(&mut text).unwrap();
    assert_eq!(text, b"\0bcdef");
    let read_only = std::fs::File::open("/dev/null").unwrap();
    let refused = reader.read_to_file_at(&read_only, 1, 0);
    assert_eq!(refused.unwrap_err().raw_os_error(), Some(libc::EBADF));
    assert_eq!(reader.remaining(), 1);
}

#[test]
fn more_pieces_than_one_call_takes() {
    let mut driver = Driver::new(&[1024], 1 << 28);
    let ring = &driver.rings[0];
    // 24 descriptors of the queue, then 1000 of an indirect table: 1024 pieces.
    for index in 0..24 {
        ring.describe(index, 0x20_0000, 2, NEXT | WRITE, index + 1);
    }
    ring.describe(24, 0x10_0000, 16 * 1000, 4, 0);
    for index in 0..1000_u16 {
        let (next, more) = if index < 999 { (index + 1, NEXT) } else { (0, 0) };
        let at = 0x10_0000 + 16 * u64::from(index);
        ring.describe_at(at, 0x20_0000 + 2 * u64::from(index), 2, WRITE | more, next);
    }
    driver.rings[0].publish(0);
    let chain = driver.queue(0).pop(&driver.memory).unwrap().unwrap();
    let file = tempfile::tempfile().unwrap();
    file.set_len(4096).unwrap();
    let mut writer = chain.writer(&driver.memory).unwrap();
    assert_eq!(writer.write_from_file_at(&file, 2048, 0).unwrap(), 2048);
    assert_eq!(writer.remaining(), 0);
}
