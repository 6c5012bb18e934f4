#![allow(clippy::unwrap_used)]

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;

/// Counts its edges.
#[derive(Clone, Default)]
struct Line(Arc<AtomicU32>);

impl IrqTrigger for Line {
    fn trigger(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn port() -> (Pl011, Line, std::fs::File) {
    let (reader, writer) = rustix::pipe::pipe().unwrap();
    let line = Line::default();
    let port = Pl011::new(Box::new(line.clone()), Sink::new(Some(writer)).unwrap());
    (port, line, reader.into())
}

fn read(port: &mut Pl011, offset: u64) -> u32 {
    let mut data = [0xff; 4];
    port.read(offset, &mut data);
    u32::from_le_bytes(data)
}

#[test]
fn output_comes_out_whatever_the_width_of_the_write() {
    let (mut port, _, mut reader) = port();
    for (at, byte) in b"hello\n".iter().enumerate() {
        let data = [*byte, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(port.write(DATA, &data[..1 << (at % 4)]), Action::None);
    }
    port.write(DATA, b"x");
    port.quiesce();
    drop(port);
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert_eq!(text, "hello\nx");
}

#[test]
fn a_driver_finds_an_empty_fifo_and_the_identification() {
    let (mut port, ..) = port();
    assert_eq!(read(&mut port, FLAGS), 0x97);
    assert_eq!(read(&mut port, DATA), 0);
    let id = (0..4).map(|at| read(&mut port, IDS + 4 * at) << (8 * at)).sum::<u32>();
    assert_eq!(id, 0x0034_1011);
    let cell = (4..8).map(|at| read(&mut port, IDS + 4 * at) << (8 * (at - 4))).sum::<u32>();
    assert_eq!(cell, 0xb105_f00d);
    port.write(LINE_CONTROL, &[0x70, 0]);
    assert_eq!(read(&mut port, LINE_CONTROL), 0x70);
}

#[test]
fn each_byte_raises_the_transmit_interrupt_only_while_it_is_wanted() {
    let (mut port, line, _reader) = port();
    let edges = || line.0.swap(0, Ordering::SeqCst);
    port.write(DATA, b"a");
    assert_eq!(edges(), 0);
    port.write(MASK, &0xffffu16.to_le_bytes());
    assert_eq!((edges(), read(&mut port, MASK)), (1, 0x7ff));
    port.write(DATA, b"b");
    assert_eq!((edges(), read(&mut port, MASKED_STATUS)), (1, 0x20));
    port.write(CLEAR, &[0x20, 0]);
    assert_eq!((edges(), read(&mut port, RAW_STATUS)), (0, 0));
    port.write(MASK, &[0, 0]);
    port.write(DATA, b"c");
    assert_eq!((edges(), read(&mut port, MASKED_STATUS)), (0, 0));
}

#[test]
fn every_access_is_answered() {
    let (mut port, ..) = port();
    for offset in (0..SIZE).chain([u64::MAX]) {
        for width in 1..=8 {
            let mut data = [0xff; 8];
            port.read(offset, &mut data[..width]);
            assert!(data[..width].iter().skip(2).all(|byte| *byte == 0), "{offset:#x}");
            port.write(offset, &data[..width]);
        }
        port.write(offset, &[]);
        port.read(offset, &mut []);
    }
}
