#![allow(clippy::unwrap_used)]

use super::{debug, memory, processor, set};
use crate::hypervisor::hvf::binding::{Binding, Cpu, GicPlace, Refusal, SysReg};
use crate::hypervisor::hvf::fake::Fake;

/// The registers that a guest on an M5 finds, as others have read them there (but for the third and
/// the fourth, which nobody told).
const M5: [(SysReg, u64); 6] = [
    (SysReg::IdAa64Pfr0El1, 0x1101_0000_1111_0011),
    (SysReg::IdAa64Pfr1El1, 0x2_0200_0001),
    (SysReg::IdAa64Zfr0El1, 0x0110_0001),
    (SysReg::IdAa64Smfr0El1, 0x80f0_01ff_0000_0000),
    (SysReg::IdAa64Dfr0El1, 0x1030_5006),
    (SysReg::IdAa64Mmfr0El1, 0x1000_0f10_0022),
];

/// What the guest finds once they are set, for a machine of 36 bits.
fn features(refuse: Option<&'static str>) -> Vec<u64> {
    let fake = Fake::new();
    fake.vm_create(36).unwrap();
    fake.gic_create(GicPlace { distributor: 0, redistributors: 0 }).unwrap();
    let mut cpu = fake.cpu_create().unwrap();
    for (register, value) in M5 {
        cpu.set_sys_reg(register, value).unwrap();
    }
    fake.world().refuse = refuse.map(|call| (call, Refusal::BAD_ARGUMENT));
    set(&mut cpu, 36);
    fake.world().refuse = None;
    M5.iter().map(|(register, _)| cpu.sys_reg(*register).unwrap()).collect()
}

#[test]
fn there_is_no_matrix_extension() {
    let hidden = [0x1101_0000_1111_0011, 0x2_0000_0001, 0, 0, 0x1030_5006, 0x1000_0f10_0021];
    assert_eq!(features(None), hidden);
}

#[test]
fn what_the_framework_keeps_to_itself_stays() {
    for call in ["hv_vcpu_get_sys_reg", "hv_vcpu_set_sys_reg"] {
        assert_eq!(features(Some(call)), M5.map(|(_, value)| value));
    }
}

#[test]
fn the_interrupt_controller_has_registers() {
    assert_eq!(processor(0x11), 0x0100_0011);
    assert_eq!(processor(0x0300_0011), 0x0300_0011, "what is there stays");
}

#[test]
fn no_counters_and_no_traces() {
    assert_eq!(debug(u64::MAX), 0xff0f_00f0_ffff_f00f);
    assert_eq!(debug(0x1_1030_5f16), 0x1030_5006);
}

#[test]
fn physical_addresses_end_where_the_tables_end() {
    for (bits, range) in [(32, 0), (36, 1), (39, 1), (40, 2), (44, 4), (48, 5), (52, 5)] {
        assert_eq!(memory(0x1125, bits), 0x1120 | range, "{bits}");
    }
    assert_eq!(memory(0x1, 48), 1, "but not beyond the processor's own");
}
