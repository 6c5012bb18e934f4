#![allow(clippy::unwrap_used)]

use super::{Abort, Access, IL, Trap, decode};

const DATA: u64 = 0x24 << 26 | IL;
const VALID: u64 = 1 << 24;
const TRANSLATION: u64 = 0x7;

fn access(iss: u64) -> Access {
    match decode(DATA | VALID | TRANSLATION | iss) {
        Trap::Abort(Abort::Access(access)) => access,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_field_of_a_described_access_is_read() {
    for size in 0..4u64 {
        for register in 0..32u64 {
            for flags in 0..8u64 {
                let (sign, wide, write) = (flags & 1, flags >> 1 & 1, flags >> 2);
                let iss = size << 22 | sign << 21 | register << 16 | wide << 15 | write << 6;
                let expected = Access {
                    size: 1 << size,
                    register: u8::try_from(register).unwrap(),
                    sign: sign == 1,
                    wide: wide == 1,
                    write: write == 1,
                };
                assert_eq!(access(iss), expected);
            }
        }
    }
}

#[test]
fn nothing_is_decoded_without_isv() {
    for iss in 0..1u64 << 24 {
        // Every seventh of them, and all flags.
        if iss % 7 != 0 && iss > 1 << 12 {
            continue;
        }
        let trap = decode(DATA | iss);
        assert!(!matches!(trap, Trap::Abort(Abort::Access(_))), "{iss:#x}");
    }
}

#[test]
fn walks_maintenance_and_hardware_are_told_apart() {
    let abort = |iss| match decode(DATA | VALID | iss) {
        Trap::Abort(abort) => abort,
        other => panic!("{other:?}"),
    };
    assert_eq!(abort(TRANSLATION | 1 << 7), Abort::Undescribed);
    assert_eq!(abort(TRANSLATION | 1 << 8), Abort::CacheMaintenance);
    for status in [0x10, 0x14, 0x17, 0x18, 0x1f] {
        assert_eq!(abort(status), Abort::Hardware);
        assert_eq!(decode(0x20 << 26 | status), Trap::Abort(Abort::Hardware));
    }
    // An address beyond the stage 2 tables, as opposed to a hole in them.
    assert!(matches!(abort(0), Abort::Access(_)));
    assert_eq!(decode(0x20 << 26 | TRANSLATION), Trap::Abort(Abort::Instruction));
}

#[test]
fn the_other_classes() {
    assert_eq!(decode(0x01 << 26), Trap::WaitForInterrupt);
    assert_eq!(decode(0x01 << 26 | 1), Trap::WaitForEvent);
    assert_eq!(decode(0x01 << 26 | 2), Trap::WaitForInterrupt);
    assert_eq!(decode(0x16 << 26 | 0xffff), Trap::Hvc(0xffff));
    assert_eq!(decode(0x17 << 26 | 3), Trap::Smc(3));
    assert_eq!(decode(0x19 << 26), Trap::NoSuchInstruction);
    assert_eq!(decode(0x3c << 26), Trap::Unknown(0x3c));
    assert_eq!(decode(0), Trap::Unknown(0));
    assert_eq!(decode(u64::MAX), Trap::Unknown(0x3f));
}

#[test]
fn loads_extend_as_the_instruction_says() {
    let load = |size, sign, wide| Access { size, register: 0, sign, wide, write: false };
    // LDRB, LDRSB to W and X.
    assert_eq!(load(1, false, false).loaded(0x1_80), 0x80);
    assert_eq!(load(1, true, false).loaded(0x80), 0xffff_ff80);
    assert_eq!(load(1, true, true).loaded(0x80), 0xffff_ffff_ffff_ff80);
    assert_eq!(load(1, true, true).loaded(0x7f), 0x7f);
    // LDRH, LDRSH.
    assert_eq!(load(2, false, false).loaded(0xf_8000), 0x8000);
    assert_eq!(load(2, true, false).loaded(0x8000), 0xffff_8000);
    assert_eq!(load(2, true, true).loaded(0x8000), 0xffff_ffff_ffff_8000);
    // LDR W, LDRSW, LDR X.
    assert_eq!(load(4, false, false).loaded(u64::MAX), 0xffff_ffff);
    assert_eq!(load(4, true, true).loaded(0x8000_0000), 0xffff_ffff_8000_0000);
    assert_eq!(load(8, false, true).loaded(0x8123_4567_89ab_cdef), 0x8123_4567_89ab_cdef);
}

#[test]
fn a_load_of_what_was_stored_gives_it_back() {
    for size in [1u8, 2, 4, 8] {
        let access = Access { size, register: 0, sign: false, wide: true, write: true };
        for value in [0, 1, 0x80, 0xff, 0x8000, 0xffff_ffff, 0x0123_4567_89ab_cdef, u64::MAX] {
            let stored = access.stored(value);
            assert_eq!(stored, value & (u64::MAX >> (64 - 8 * u32::from(size))));
            assert_eq!(access.loaded(stored), stored);
        }
    }
}
