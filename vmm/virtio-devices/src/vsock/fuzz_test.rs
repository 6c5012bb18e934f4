#![allow(clippy::cast_possible_truncation)]

use super::super::packet::Op;
use super::*;
use crate::testing::Random;

/// A packet as an input step: `length` is in units of 257 bytes.
fn packet(op: Op, port: u32, length: u8, flags: u32) -> Vec<u8> {
    let header = Header {
        src_cid: CID,
        dst_cid: HOST_CID,
        src_port: port,
        dst_port: PORT,
        len: u32::from(length) * 257,
        kind: STREAM,
        op,
        flags,
        buf_alloc: 100_000,
        fwd_cnt: 0,
    };
    [&[0, 0, length][..], &header.bytes()].concat()
}

/// Two connections that do all there is to do.
fn seed() -> Vec<u8> {
    [
        packet(Op::Request, 1, 0, 0),
        packet(Op::Request, 2, 0, 0),
        vec![10, 10, 8, 64, 4],
        packet(Op::Data, 1, 200, 0),
        packet(Op::Data, 1, 255, 0),
        vec![11, 0, 200, 11, 1, 200, 14, 8, 64, 15, 8, 1, 3],
        packet(Op::CreditRequest, 2, 0, 0),
        packet(Op::Shutdown, 2, 0, 1),
        vec![12, 0, 200, 14, 8, 64, 15],
        packet(Op::Data, 1, 255, 0),
        packet(Op::Data, 1, 255, 0),
        packet(Op::Shutdown, 1, 0, 3),
        vec![14, 12, 0, 255, 12, 0, 255, 14, 13, 1, 3, 14, 8, 64, 15, 15, 1, 8, 64, 3],
        packet(Op::CreditUpdate, 9, 0, 0),
        packet(Op::Request, 1, 0, 0),
        packet(Op::Request, 1, 0, 0),
        vec![8, 64, 15],
    ]
    .concat()
}

#[test]
fn nothing_a_guest_sends_does_harm() {
    let mut random = Random::new(7);
    fuzz_vsock(&[]);
    for _ in 0..1000 {
        let length = random.below(2000);
        fuzz_vsock(&random.bytes(length));
    }
    let seed = seed();
    fuzz_vsock(&seed);
    for _ in 0..3000 {
        let mut input = seed.clone();
        for _ in 0..=random.below(3) {
            random.mutate(&mut input);
        }
        fuzz_vsock(&input);
    }
}

#[test]
fn floods_are_bounded() {
    let mut flood = Vec::new();
    for round in 0..3000_u32 {
        // Requests that are accepted, confirmed, closed by the host and forgotten by the guest.
        flood.extend(packet(Op::Request, round % 4, 0, 0));
        flood.push(10);
        match round % 3 {
            0 => flood.extend([13, 0, 3, 14, 8, 64, 3]),
            1 => flood.extend(packet(Op::Reset, round % 4, 0, 0)),
            _ => flood.extend(packet(Op::Data, round % 4, 1, 0)),
        }
    }
    fuzz_vsock(&flood);
}
