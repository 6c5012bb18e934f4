use applevisor_sys::hv_reg_t;

use super::Access;

const PC: u64 = 0x1000;

#[test]
fn a_store_is_read_from_its_register_and_ends_behind_the_instruction() {
    for turn in 0..100 {
        let (mut access, syndrome) = Access::new(turn, PC, 2, Some(0xbeef));
        let register = syndrome >> 16 & 31;
        assert_eq!(register, turn * 7 % 31);
        assert_eq!(access.value & 0xffff, 0xbeef);
        assert_ne!(access.value >> 16, 0, "garbage above it");
        assert_eq!(access.read(hv_reg_t::PC), Some(PC));
        assert!(access.write(hv_reg_t::PC, PC + 4));
        assert_eq!(access.finish(), Ok(None));
    }
}

#[test]
fn a_load_wants_its_register_set() {
    let (mut access, syndrome) = Access::new(0, PC, 4, None);
    assert_eq!((syndrome >> 26, syndrome >> 22 & 3, syndrome >> 16 & 31), (0x24, 2, 0));
    assert!(!access.write(hv_reg_t::X1, 5), "another register is the guest's");
    assert!(access.write(hv_reg_t::X0, 0x1234_5678));
    assert!(access.write(hv_reg_t::PC, PC + 4));
    assert_eq!(access.finish(), Ok(Some(vec![0x78, 0x56, 0x34, 0x12])));
}

#[test]
fn what_is_left_undone_is_found() {
    let (mut access, _) = Access::new(0, PC, 4, None);
    access.write(hv_reg_t::PC, PC + 4);
    assert!(access.finish().is_err(), "no value");
    let (access, _) = Access::new(0, PC, 4, Some(1));
    assert!(access.finish().is_err(), "still at the instruction");
}
