#![allow(clippy::unwrap_used)]

use std::io::Read;

use virtio_devices::event::Event;

use super::*;

fn port() -> (Com1, std::fs::File) {
    let (reader, writer) = rustix::pipe::pipe().unwrap();
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
fn line_status_says_ready_to_send() {
    let (mut com1, _reader) = port();
    let mut data = [0];
    com1.read(5, &mut data);
    assert_eq!(data[0] & 0x60, 0x60);
    let mut wide = [1, 1];
    com1.read(5, &mut wide);
    assert_eq!(wide, [0, 0], "only byte accesses");
}
