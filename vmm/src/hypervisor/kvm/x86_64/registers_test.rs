use kvm_bindings::kvm_sregs;

use super::*;

#[test]
fn pvh_starts_in_flat_32_bit_mode_without_paging() {
    let mut sregs = kvm_sregs { cr4: 0xff, ..Default::default() };
    let regs = for_entry(&BootEntry::Pvh { address: 0x100_0200, start_info: 0x6000 }, &mut sregs);
    assert_eq!((regs.rip, regs.rbx, regs.rflags), (0x100_0200, 0x6000, 2));
    assert_eq!((sregs.cr0, sregs.cr4, sregs.efer), (0x11, 0, 0));
    assert_eq!((sregs.cs.l, sregs.cs.db, sregs.cs.limit), (0, 1, u32::MAX));
    assert_eq!((sregs.ds.type_, sregs.ss.base), (3, 0));
}

#[test]
fn linux_starts_in_long_mode() {
    let mut sregs = kvm_sregs::default();
    let regs =
        for_entry(&BootEntry::Linux64 { address: 0x10_0200, boot_params: 0x7000 }, &mut sregs);
    assert_eq!((regs.rip, regs.rsi), (0x10_0200, 0x7000));
    assert_eq!((sregs.cs.l, sregs.cs.db), (1, 0));
    assert_eq!(sregs.cr0, 0x8000_0011);
    assert_eq!(sregs.efer, 0x500);
    assert_eq!(sregs.cr3, layout::PAGE_TABLES);
}
