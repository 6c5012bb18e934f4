#![allow(clippy::unwrap_used)]

use std::io::Read;

use super::*;

fn sink() -> (Sink, std::fs::File) {
    let (reader, writer) = rustix::pipe::pipe().unwrap();
    (Sink::new(Some(writer)).unwrap(), reader.into())
}

#[test]
fn a_flood_neither_blocks_nor_grows_and_is_counted() {
    let (mut sink, mut reader) = sink();
    for _ in 0..1 << 20 {
        sink.write_all(b"x").unwrap();
    }
    assert!(sink.buffer.capacity() <= 2 * BUFFER);
    assert!(sink.dropped >= (1 << 20) - (1 << 16) - 256);
    let mut first = vec![0; 1 << 12];
    reader.read_exact(&mut first).unwrap();
    sink.write_all(b"end\n").unwrap();
    drop(sink);
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert!(text.contains("bytes of console output were dropped"), "{text}");
    assert!(text.ends_with("end\n"), "{text}");
}

#[test]
fn a_reader_that_left_is_no_error() {
    let (mut sink, reader) = sink();
    drop(reader);
    sink.write_all(b"nobody hears\nthis\n").unwrap();
    assert!(sink.out.is_none());
}
