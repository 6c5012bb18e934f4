#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]

use super::*;

#[test]
fn fields_lie_where_the_specification_has_them() {
    let raw: [u8; HEADER_SIZE] = std::array::from_fn(|at| at as u8);
    let header = Header::parse(&raw);
    assert_eq!(header.src_cid, 0x0706_0504_0302_0100);
    assert_eq!(header.dst_cid, 0x0f0e_0d0c_0b0a_0908);
    assert_eq!(header.src_port, 0x1312_1110);
    assert_eq!(header.dst_port, 0x1716_1514);
    assert_eq!(header.len, 0x1b1a_1918);
    assert_eq!(header.kind, 0x1d1c);
    assert_eq!(header.op, Op::Unknown(0x1f1e));
    assert_eq!(header.flags, 0x2322_2120);
    assert_eq!(header.buf_alloc, 0x2726_2524);
    assert_eq!(header.fwd_cnt, 0x2b2a_2928);
    assert_eq!(header.bytes(), raw);
}

#[test]
fn operations_keep_their_numbers() {
    for number in 0..=u16::MAX {
        assert_eq!(u16::from(Op::from(number)), number);
    }
    assert_eq!(u16::from(Op::Data), 5);
}
