#![allow(clippy::unwrap_used)]

use std::io::Read;

use virtio_devices::event::Event;

use super::*;

fn port() -> (Com1, std::fs::File) {
    let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
    let com1 = Com1::new(Box::new(Event::new().unwrap()), Sink::new(Some(writer)).unwrap());
    (com1, reader.into())
}

#[test]
fn lines_come_out_and_the_rest_at_the_end() {
    let (mut com1, mut reader) = port();
    for byte in b"one\ntwo" {
        assert_eq!(com1.write(0, &[*byte]), Action::None);
    }
    com1.quiesce();
    drop(com1);
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert_eq!(text, "one\ntwo");
}

#[test]
fn a_flood_neither_blocks_nor_grows_and_is_counted() {
    let (mut com1, mut reader) = port();
    for _ in 0..1 << 20 {
        com1.write(0, b"x");
    }
    assert!(com1.uart.writer().buffer.capacity() <= 2 * BUFFER);
    assert!(com1.uart.writer().dropped >= (1 << 20) - (1 << 16) - 256);
    let mut first = vec![0; 1 << 16];
    reader.read_exact(&mut first).unwrap();
    for byte in b"end\n" {
        com1.write(0, &[*byte]);
    }
    drop(com1);
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert!(text.contains("bytes of console output were dropped"), "{text}");
    assert!(text.ends_with("end\n"), "{text}");
}

#[test]
fn a_reader_that_left_is_no_error() {
    let (mut com1, reader) = port();
    drop(reader);
    for byte in b"nobody hears\nthis\n" {
        com1.write(0, &[*byte]);
    }
    assert!(com1.uart.writer().out.is_none());
}

#[test]
fn line_status_says_ready_to_send() {
    let (mut com1, _reader) = port();
    let mut data = [0];
    com1.read(5, &mut data);
    assert_eq!(data[0] & 0x60, 0x60);
    let mut wide = [1, 1];
    com1.read(5, &mut wide);
    assert_eq!(wide, [0, 0], "only byte accesses");
}
