//! Tiny real-mode guests on this machine's own KVM. A paravirtual KVM (PVM) runs them, too.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use virtio_devices::event::Event;
use vm_memory::{Bytes, GuestAddress};

use super::*;
use crate::arch::{VcpuInit, x86_64::BootEntry};
use crate::hypervisor::{Kicker, Vcpu, Vm, VmEntry, VmExit};

/// Where the guests' code lies, and what address they use for MMIO: just above their memory.
const CODE: u16 = 0x1000;
const MEMORY: u64 = 0x8000;

/// A guest that runs `code`, or `None` with a reason printed where there is no KVM.
fn guest(code: &[u8]) -> Option<(KvmVm, KvmVcpu)> {
    let kvm = crate::testing::kvm()?;
    let memory = crate::testing::memory(MEMORY);
    memory.write_slice(code, GuestAddress(u64::from(CODE))).unwrap();
    let kvm = Kvm::new(kvm).unwrap();
    let mut vm = kvm.create_vm(1).unwrap();
    vm.map_memory(Arc::new(memory)).unwrap();
    let entry = Some(BootEntry::Real { address: CODE });
    let mut vcpu = vm.create_vcpu(&VcpuInit { id: 0, cpus: 1, entry }).unwrap();
    vcpu.attach().unwrap();
    Some((vm, vcpu))
}

#[test]
fn port_reads_and_writes_of_each_width() {
    let code = [
        0xba, 0x34, 0x12, // mov dx, 0x1234
        0xec, // in al, dx
        0xfe, 0xc0, // inc al
        0xee, // out dx, al
        0xed, // in ax, dx
        0xef, // out dx, ax
        0x66, 0xed, // in eax, dx
        0x66, 0xef, // out dx, eax
    ];
    let Some((_vm, mut vcpu)) = guest(&code) else {
        return;
    };
    let mut run = |entry| vcpu.run(entry).unwrap();
    let io = |size, write| VmExit::Io { port: 0x1234, size, write };
    assert_eq!(run(VmEntry::Resume), io(1, None));
    assert_eq!(run(VmEntry::Value(0x41)), io(1, Some(0x42)));
    assert_eq!(run(VmEntry::Resume), io(2, None));
    assert_eq!(run(VmEntry::Value(0xbeef)), io(2, Some(0xbeef)));
    assert_eq!(run(VmEntry::Resume), io(4, None));
    assert_eq!(run(VmEntry::Value(0xdead_beef)), io(4, Some(0xdead_beef)));
}

#[test]
fn memory_reads_and_writes_outside_of_memory() {
    let code = [
        0xa0, 0x00, 0x90, // mov al, [0x9000]
        0xfe, 0xc0, // inc al
        0xa2, 0x10, 0x90, // mov [0x9010], al
        0xa1, 0x20, 0x90, // mov ax, [0x9020]
        0xa3, 0x30, 0x90, // mov [0x9030], ax
    ];
    let Some((_vm, mut vcpu)) = guest(&code) else {
        return;
    };
    let mut run = |entry| vcpu.run(entry).unwrap();
    let mmio = |address, size, write| VmExit::Mmio { address, size, write };
    assert_eq!(run(VmEntry::Resume), mmio(0x9000, 1, None));
    assert_eq!(run(VmEntry::Value(7)), mmio(0x9010, 1, Some(8)));
    assert_eq!(run(VmEntry::Resume), mmio(0x9020, 2, None));
    assert_eq!(run(VmEntry::Value(0x1234)), mmio(0x9030, 2, Some(0x1234)));
}

#[test]
fn string_instructions_arrive_element_by_element() {
    let code = [
        0xbe, 0x00, 0x20, // mov si, 0x2000
        0xb9, 0x05, 0x00, // mov cx, 5
        0xba, 0xf8, 0x03, // mov dx, 0x3f8
        0xf3, 0x6e, // rep outsb
        0xee, // out dx, al
    ];
    let Some((vm, mut vcpu)) = guest(&code) else {
        return;
    };
    vm.memory().write_slice(b"hello", GuestAddress(0x2000)).unwrap();
    let mut text = Vec::new();
    for _ in 0..5 {
        match vcpu.run(VmEntry::Resume).unwrap() {
            VmExit::Io { port: 0x3f8, size: 1, write: Some(byte) } => text.push(byte as u8),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(text, b"hello");
}

#[test]
fn an_answer_that_was_not_asked_for_is_refused() {
    let Some((_vm, mut vcpu)) = guest(&[0xe4, 0x10]) else {
        return;
    };
    assert!(matches!(vcpu.run(VmEntry::Value(1)), Err(Error::WrongEntry)));
    assert!(matches!(vcpu.run(VmEntry::Resume), Ok(VmExit::Io { port: 0x10, write: None, .. })));
    assert!(matches!(vcpu.run(VmEntry::Resume), Err(Error::WrongEntry)));
}

#[test]
fn no_kick_is_lost_before_during_or_after_the_guest() {
    let Some((_vm, mut vcpu)) = guest(&[0xeb, 0xfe]) else {
        return;
    };
    let kicker = vcpu.kicker();
    kicker.kick();
    assert_eq!(vcpu.run(VmEntry::Resume).unwrap(), VmExit::Interrupted, "kicked before");
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(20));
            stop.store(true, Ordering::SeqCst);
            kicker.kick();
        });
        while !stop.load(Ordering::SeqCst) {
            assert_eq!(vcpu.run(VmEntry::Resume).unwrap(), VmExit::Interrupted);
        }
    });
    drop(vcpu);
    kicker.kick();
}

#[test]
fn doorbells_ring_without_an_exit() {
    let code = [
        0x66, 0xb8, 0x03, 0x00, 0x00, 0x00, // mov eax, 3
        0x66, 0xa3, 0x50, 0x90, // mov [0x9050], eax
        0x66, 0x40, // inc eax
        0x66, 0xa3, 0x50, 0x90, // mov [0x9050], eax
    ];
    let Some((vm, mut vcpu)) = guest(&code) else {
        return;
    };
    let bell = Event::new().unwrap();
    assert!(vm.add_doorbell(0x9050, 3, &bell).unwrap());
    let exit = vcpu.run(VmEntry::Resume).unwrap();
    assert_eq!(exit, VmExit::Mmio { address: 0x9050, size: 4, write: Some(4) });
    assert_eq!(bell.take().unwrap(), 1);
}

#[test]
fn a_file_that_is_no_kvm_is_named() {
    let fd = std::fs::File::open("/dev/null").unwrap();
    assert!(matches!(Kvm::new(fd.into()), Err(Error::NotAHypervisor(_))));
}

#[test]
fn a_jump_to_the_bios_reset_vector_resets() {
    let Some(kvm) = crate::testing::kvm() else {
        return;
    };
    let memory = crate::testing::memory(1 << 20);
    crate::arch::x86_64::reset_vector::write(&memory).unwrap();
    // jmp f000:fff0
    memory.write_slice(&[0xea, 0xf0, 0xff, 0x00, 0xf0], GuestAddress(u64::from(CODE))).unwrap();
    let mut vm = Kvm::new(kvm).unwrap().create_vm(1).unwrap();
    vm.map_memory(Arc::new(memory)).unwrap();
    let entry = Some(BootEntry::Real { address: CODE });
    let mut vcpu = vm.create_vcpu(&VcpuInit { id: 0, cpus: 1, entry }).unwrap();
    let exit = vcpu.run(VmEntry::Resume).unwrap();
    let port = crate::legacy::power::RESET;
    assert_eq!(exit, VmExit::Io { port, size: 1, write: Some(1) });
}
