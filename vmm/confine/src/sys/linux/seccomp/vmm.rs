//! The virtual machine monitor while the guest runs. Machine, memory and vCPUs were made before.

use libc::{SYS_fallocate, SYS_fdatasync, SYS_preadv, SYS_pwrite64, SYS_pwritev};

use super::table::{Allow, any, int, only};

/// `_IO(KVMIO, number)`.
const fn io(number: u32) -> u32 {
    0xae00 | number
}

/// `_IOW(KVMIO, number, size)`.
const fn iow(number: u32, size: u32) -> u32 {
    0x4000_0000 | size << 16 | io(number)
}

/// `_IOR(KVMIO, number, size)`.
const fn ior(number: u32, size: u32) -> u32 {
    0x8000_0000 | size << 16 | io(number)
}

/// Runs a vCPU.
const KVM_RUN: u32 = io(0x80);
/// Sets the level of an interrupt line (`struct kvm_irq_level`).
const KVM_IRQ_LINE: u32 = iow(0x61, 8);
/// Connects an event to an interrupt line (`struct kvm_irqfd`).
const KVM_IRQFD: u32 = iow(0x76, 32);
/// Connects a guest's write to an event (`struct kvm_ioeventfd`).
const KVM_IOEVENTFD: u32 = iow(0x79, 64);
/// Reads and sets the guest's clock (`struct kvm_clock_data`), for a host that slept.
const KVM_SET_CLOCK: u32 = iow(0x7b, 48);
const KVM_GET_CLOCK: u32 = ior(0x7c, 48);
/// Tells a vCPU that it was stopped.
const KVM_KVMCLOCK_CTRL: u32 = io(0xad);
/// Reads registers (`struct kvm_regs`, `struct kvm_sregs`), for a report of a failed vCPU.
const KVM_GET_REGS: u32 = ior(0x81, 144);
const KVM_GET_SREGS: u32 = ior(0x83, 312);

/// Allowed beside what is common.
pub(super) const ALLOWED: &[Allow] = &[
    only(
        libc::SYS_ioctl,
        &[
            &[int(1, KVM_RUN)],
            &[int(1, KVM_IRQ_LINE)],
            &[int(1, KVM_IRQFD)],
            &[int(1, KVM_IOEVENTFD)],
            &[int(1, KVM_SET_CLOCK)],
            &[int(1, KVM_GET_CLOCK)],
            &[int(1, KVM_KVMCLOCK_CTRL)],
            &[int(1, KVM_GET_REGS)],
            &[int(1, KVM_GET_SREGS)],
        ],
    ),
    // The disk image, by descriptor.
    any(SYS_preadv),
    any(SYS_pwrite64),
    any(SYS_pwritev),
    any(SYS_fdatasync),
    // Memory given back by the balloon.
    any(SYS_fallocate),
];
