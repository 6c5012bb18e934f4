//! General and system registers at the kernel's first instruction.

use kvm_bindings::{kvm_regs, kvm_segment, kvm_sregs};
use kvm_ioctls::VcpuFd;

use crate::arch::x86_64::{BootEntry, layout, tables};
use crate::hypervisor::Error;
use crate::hypervisor::kvm::failed;

const CR0_PE: u64 = 1;
const CR0_ET: u64 = 1 << 4;
const CR0_PG: u64 = 1 << 31;
const CR4_PAE: u64 = 1 << 5;
const EFER_LME: u64 = 1 << 8;
const EFER_LMA: u64 = 1 << 10;
/// Bit 1 is always one; interrupts are off.
const RFLAGS: u64 = 2;

pub(super) fn set(fd: &VcpuFd, entry: &BootEntry) -> Result<(), Error> {
    let mut sregs = fd.get_sregs().map_err(failed("KVM_GET_SREGS"))?;
    let regs = for_entry(entry, &mut sregs);
    fd.set_sregs(&sregs).map_err(failed("KVM_SET_SREGS"))?;
    fd.set_regs(&regs).map_err(failed("KVM_SET_REGS"))
}

fn for_entry(entry: &BootEntry, sregs: &mut kvm_sregs) -> kvm_regs {
    let regs = kvm_regs { rflags: RFLAGS, ..Default::default() };
    match *entry {
        // Xen's PVH entry: 32-bit protected mode, paging off, start info in ebx.
        BootEntry::Pvh { address, start_info } => {
            flat(sregs, false);
            sregs.cr0 = CR0_PE | CR0_ET;
            sregs.cr4 = 0;
            kvm_regs { rip: address, rbx: start_info, ..regs }
        }
        // Linux' 64-bit entry: long mode, identity mapping, boot parameters in rsi.
        BootEntry::Linux64 { address, boot_params } => {
            flat(sregs, true);
            sregs.cr3 = layout::PAGE_TABLES;
            sregs.cr4 |= CR4_PAE;
            sregs.cr0 = CR0_PE | CR0_ET | CR0_PG;
            sregs.efer |= EFER_LME | EFER_LMA;
            let stack = layout::BOOT_STACK;
            kvm_regs { rip: address, rsi: boot_params, rsp: stack, rbp: stack, ..regs }
        }
        // As after reset, with everything based at zero: for tiny test guests.
        BootEntry::Real { address } => {
            sregs.cs.base = 0;
            sregs.cs.selector = 0;
            kvm_regs { rip: u64::from(address), ..regs }
        }
    }
}

/// Flat segments; code is 64-bit when `long`.
fn flat(sregs: &mut kvm_sregs, long: bool) {
    let code = kvm_segment {
        selector: tables::CODE,
        type_: 0xb,
        db: u8::from(!long),
        l: u8::from(long),
        ..flat_segment()
    };
    let data = kvm_segment { selector: tables::DATA, type_: 3, db: 1, ..flat_segment() };
    let task = kvm_segment {
        selector: tables::TASK,
        type_: 0xb,
        limit: 0x67,
        present: 1,
        ..Default::default()
    };
    sregs.cs = code;
    for segment in [&mut sregs.ds, &mut sregs.es, &mut sregs.fs, &mut sregs.gs, &mut sregs.ss] {
        *segment = data;
    }
    sregs.tr = task;
    sregs.gdt.base = layout::GDT;
    sregs.gdt.limit = tables::GDT_LIMIT;
    sregs.idt.base = 0;
    sregs.idt.limit = 0;
}

fn flat_segment() -> kvm_segment {
    kvm_segment { limit: u32::MAX, present: 1, s: 1, g: 1, ..Default::default() }
}

#[cfg(test)]
#[path = "registers_test.rs"]
mod tests;
