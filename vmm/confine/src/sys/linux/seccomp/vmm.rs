//! The virtual machine monitor while the guest runs. Machine, memory and vCPUs were made before.

use libc::{SYS_fallocate, SYS_preadv};

use super::table::{Allow, Argument, any, int, only};

/// `_IO(KVMIO, number)`.
const fn io(number: u32) -> u32 {
    0xae00 | number
}

/// Runs a vCPU.
const KVM_RUN: u32 = io(0x80);

/// `_IOR` of `KVM_GET_REGS` (`struct kvm_regs`), to describe a vCPU that failed.
#[cfg(target_arch = "x86_64")]
const IOCTLS: &[&[Argument]] = &[&[int(1, KVM_RUN)], &[int(1, 0x8000_0000 | 144 << 16 | io(0x81))]];

/// `_IOW` of `KVM_GET_ONE_REG` (`struct kvm_one_reg`), to describe a vCPU that failed, and of
/// `KVM_SET_VCPU_EVENTS` (`struct kvm_vcpu_events`), for accesses that nobody can decode.
#[cfg(target_arch = "aarch64")]
const IOCTLS: &[&[Argument]] = &[
    &[int(1, KVM_RUN)],
    &[int(1, 0x4000_0000 | 16 << 16 | io(0xab))],
    &[int(1, 0x4000_0000 | 64 << 16 | io(0xa0))],
];

/// `FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE`.
const PUNCH_HOLE: u32 = 3;

/// Allowed beside what is common. Interrupts and doorbells are connected before; lists of what
/// a machine calls are in `qvm_vmm::machine::syscalls`.
pub(super) const ALLOWED: &[Allow] = &[
    only(libc::SYS_ioctl, IOCTLS),
    // The disk image, by descriptor. It is read only.
    any(SYS_preadv),
    // Memory given back by the balloon.
    only(SYS_fallocate, &[&[int(1, PUNCH_HOLE)]]),
];
