//! The virtual machine monitor while the guest runs. Machine, memory and vCPUs were made before.

use libc::{SYS_fallocate, SYS_preadv};

use super::table::{Allow, any, int, only};

/// `_IO(KVMIO, number)`.
const fn io(number: u32) -> u32 {
    0xae00 | number
}

/// `_IOR(KVMIO, number, size)`.
const fn ior(number: u32, size: u32) -> u32 {
    0x8000_0000 | size << 16 | io(number)
}

/// Runs a vCPU.
const KVM_RUN: u32 = io(0x80);
/// Reads registers (`struct kvm_regs`), to describe a vCPU that failed.
const KVM_GET_REGS: u32 = ior(0x81, 144);

/// `FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE`.
const PUNCH_HOLE: u32 = 3;

/// Allowed beside what is common. Interrupts and doorbells are connected before; lists of what
/// a machine calls are in `qvm_vmm::machine::syscalls`.
pub(super) const ALLOWED: &[Allow] = &[
    only(libc::SYS_ioctl, &[&[int(1, KVM_RUN)], &[int(1, KVM_GET_REGS)]]),
    // The disk image, by descriptor. It is read only.
    any(SYS_preadv),
    // Memory given back by the balloon.
    only(SYS_fallocate, &[&[int(1, PUNCH_HOLE)]]),
];
