#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn page_tables_map_the_first_gib_onto_itself() {
    let memory = crate::testing::memory(1 << 20);
    write_page_tables(&memory).unwrap();
    let read = |address: u64| memory.read_obj::<u64>(GuestAddress(address)).unwrap();
    for address in [0u64, 0x10_0000, 0x3fff_f000] {
        let top = read(layout::PAGE_TABLES + (address >> 39) * 8);
        let middle = read((top & !0xfff) + (address >> 30 & 511) * 8);
        let bottom = read((middle & !0xfff) + (address >> 21 & 511) * 8);
        assert_eq!(bottom & 0x83, 0x83);
        assert_eq!(bottom & !0x1f_ffff, address & !0x1f_ffff);
    }
    assert_eq!(read(layout::PAGE_TABLES + 0x1000 + 8), 0, "nothing above the first GiB");
}

#[test]
fn gdt_has_present_flat_segments() {
    let memory = crate::testing::memory(1 << 20);
    for long in [false, true] {
        write_gdt(&memory, long).unwrap();
        let code: u64 = memory.read_obj(GuestAddress(layout::GDT + u64::from(CODE))).unwrap();
        assert_eq!(code >> 53 & 1, u64::from(long));
        assert_eq!(code >> 54 & 1, u64::from(!long));
        assert_eq!(code >> 47 & 1, 1);
    }
}
