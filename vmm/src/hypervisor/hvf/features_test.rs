use super::{debug, memory, processor};

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
