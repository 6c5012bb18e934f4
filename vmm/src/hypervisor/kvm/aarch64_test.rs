//! Tiny guests on this machine's own KVM. They begin at the start of memory, at EL1 with the MMU
//! off.

#![allow(clippy::unwrap_used, unsafe_code)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use virtio_devices::event::Event;
use vm_memory::{Bytes, GuestAddress};

use super::*;
use crate::arch::VcpuInit;
use crate::arch::aarch64::{BootEntry, layout};
use crate::hypervisor::{Kicker, Vcpu, Vm, VmEntry, VmExit};

const MEMORY: u64 = 1 << 20;
/// Device registers that nobody answers but these tests; guests have it in x9.
const DEVICE: u64 = 0x0b00_0000;
/// What guests get in x0.
const ARGUMENT: u64 = 0x5eed;

/// The code of a guest, which the assembler of these tests makes; it does not run here.
macro_rules! code {
    ($name:literal, $($line:literal),+ $(,)?) => {{
        mod assembly {
            std::arch::global_asm!(
                ".pushsection .rodata",
                ".balign 2048",
                concat!("guest_", $name, ":"),
                "mov x9, #0x0b000000",
                $($line,)+
                "b .",
                concat!("guest_end_", $name, ":"),
                ".popsection",
            );
        }
        unsafe extern "C" {
            #[link_name = concat!("guest_", $name)]
            static START: u8;
            #[link_name = concat!("guest_end_", $name)]
            static END: u8;
        }
        // SAFETY: the two labels above, in this order, with bytes between them.
        unsafe {
            let (start, end) = (&raw const START, &raw const END);
            std::slice::from_raw_parts(start, end.offset_from_unsigned(start))
        }
    }};
}

/// A machine whose first vCPU runs `code`, or `None` with a reason printed where there is no KVM.
fn machine(code: &[u8], cpus: u8) -> Option<(KvmVm, Vec<KvmVcpu>)> {
    let kvm = crate::testing::kvm()?;
    let memory = crate::testing::aarch64_memory(MEMORY);
    memory.write_slice(code, GuestAddress(layout::MEMORY)).unwrap();
    let mut vm = Kvm::new(kvm).unwrap().create_vm(cpus).unwrap();
    vm.map_memory(Arc::new(memory)).unwrap();
    let entry = BootEntry { address: layout::MEMORY, device_tree: ARGUMENT };
    let vcpus = (0..cpus)
        .map(|id| {
            let entry = (id == 0).then_some(entry);
            let mut vcpu = vm.create_vcpu(&VcpuInit { id, cpus, entry }).unwrap();
            vcpu.attach().unwrap();
            vcpu
        })
        .collect();
    Some((vm, vcpus))
}

fn guest(code: &[u8]) -> Option<(KvmVm, KvmVcpu)> {
    machine(code, 1).map(|(vm, mut vcpus)| (vm, vcpus.remove(0)))
}

fn mmio(offset: u64, size: u8, write: Option<u64>) -> VmExit {
    VmExit::Mmio { address: DEVICE + offset, size, write }
}

/// Why the guest leaves next, after this answer, but for the host's own reasons.
fn run(vcpu: &mut KvmVcpu, entry: VmEntry) -> VmExit {
    let mut exit = vcpu.run(entry).unwrap();
    while exit == VmExit::Interrupted {
        exit = vcpu.run(VmEntry::Resume).unwrap();
    }
    exit
}

/// What the guest stores next, in eight bytes at the device.
fn stored(vcpu: &mut KvmVcpu) -> u64 {
    match run(vcpu, VmEntry::Resume) {
        VmExit::Mmio { address: DEVICE, size: 8, write: Some(value) } => value,
        other => panic!("{other:x?}"),
    }
}

#[test]
fn memory_reads_and_writes_of_each_width() {
    let code = code!(
        "widths",
        "str x0, [x9]",
        "ldrb w2, [x9, #1]",
        "add w2, w2, #1",
        "strb w2, [x9, #3]",
        "ldrh w2, [x9, #4]",
        "strh w2, [x9, #6]",
        "ldr w2, [x9, #8]",
        "str w2, [x9, #12]",
        "ldr x2, [x9, #16]",
        "str x2, [x9, #24]",
    );
    let Some((_vm, mut vcpu)) = guest(code) else {
        return;
    };
    let mut run = |entry| run(&mut vcpu, entry);
    assert_eq!(run(VmEntry::Resume), mmio(0, 8, Some(ARGUMENT)));
    assert_eq!(run(VmEntry::Resume), mmio(1, 1, None));
    assert_eq!(run(VmEntry::Value(0xffff_ff41)), mmio(3, 1, Some(0x42)));
    assert_eq!(run(VmEntry::Resume), mmio(4, 2, None));
    assert_eq!(run(VmEntry::Value(0xbeef)), mmio(6, 2, Some(0xbeef)));
    assert_eq!(run(VmEntry::Resume), mmio(8, 4, None));
    assert_eq!(run(VmEntry::Value(0xdead_beef)), mmio(12, 4, Some(0xdead_beef)));
    assert_eq!(run(VmEntry::Resume), mmio(16, 8, None));
    assert_eq!(run(VmEntry::Value(u64::MAX - 1)), mmio(24, 8, Some(u64::MAX - 1)));
}

#[test]
fn an_answer_that_was_not_asked_for_is_refused() {
    let Some((_vm, mut vcpu)) = guest(code!("answer", "ldr w2, [x9]")) else {
        return;
    };
    assert!(matches!(vcpu.run(VmEntry::Value(1)), Err(Error::WrongEntry)));
    assert_eq!(run(&mut vcpu, VmEntry::Resume), mmio(0, 4, None));
    assert!(matches!(vcpu.run(VmEntry::Resume), Err(Error::WrongEntry)));
}

#[test]
fn the_firmware_answers() {
    let code = code!(
        "firmware",
        // A call that nobody knows, the version, whether CPU_ON is known.
        "mov w0, #0x84000000",
        "add w0, w0, #0x77",
        "hvc #0",
        "str x0, [x9]",
        "mov w0, #0x84000000",
        "hvc #0",
        "str x0, [x9]",
        "mov w0, #0x84000000",
        "add w0, w0, #10",
        "movz w2, #0xc400, lsl #16",
        "movk w2, #3",
        "mov x1, x2",
        "hvc #0",
        "str x0, [x9]",
    );
    let Some((_vm, mut vcpu)) = guest(code) else {
        return;
    };
    assert_eq!(stored(&mut vcpu), u64::MAX, "NOT_SUPPORTED");
    let version = stored(&mut vcpu);
    assert!((0x1_0000..0x2_0000).contains(&version), "{version:#x}");
    assert_eq!(stored(&mut vcpu), 0, "CPU_ON is there");
}

#[test]
fn the_firmware_powers_off_and_resets() {
    let off = code!("off", "mov w0, #0x84000000", "add w0, w0, #8", "hvc #0");
    let reset = code!("reset", "mov w0, #0x84000000", "add w0, w0, #9", "hvc #0");
    for (code, kind) in [(off, 1), (reset, 2)] {
        let Some((_vm, mut vcpu)) = guest(code) else {
            return;
        };
        assert_eq!(run(&mut vcpu, VmEntry::Resume), VmExit::SystemEvent { kind });
    }
}

#[test]
fn other_processors_wait_until_the_first_starts_them() {
    let code = code!(
        "start",
        "movz w0, #0xc400, lsl #16",
        "movk w0, #3",
        // Processor 17, the second of the second cluster.
        "mov x1, #0x101",
        "adr x2, 1f",
        "mov x3, #0x77",
        "hvc #0",
        "str x0, [x9]",
        "b .",
        "1: mrs x2, mpidr_el1",
        "mov x9, #0x0b000000",
        "str x0, [x9]",
        "str x2, [x9]",
    );
    let Some((_vm, mut vcpus)) = machine(code, 18) else {
        return;
    };
    let kicker = vcpus[17].kicker();
    kicker.kick();
    assert_eq!(vcpus[17].run(VmEntry::Resume).unwrap(), VmExit::Interrupted, "it waits");
    assert_eq!(stored(&mut vcpus[0]), 0, "SUCCESS");
    assert_eq!(stored(&mut vcpus[17]), 0x77);
    let affinity = stored(&mut vcpus[17]) & 0xff_00ff_ffff;
    assert_eq!(affinity, layout::affinity(17));
}

/// Runs until the guest's exception handler has told the syndrome, whose class this answers with
/// the fault's status.
macro_rules! faults {
    ($name:literal, $($line:literal),+) => {{
        let code = code!(
            $name,
            "adr x2, 1f",
            "msr vbar_el1, x2",
            "isb",
            $($line,)+
            "b .",
            ".balign 2048",
            // The vector of an exception from EL1 itself, with its own stack pointer.
            "1: .skip 0x200",
            "mrs x0, esr_el1",
            "mov x9, #0x0b000000",
            "str x0, [x9]",
        );
        guest(code).map(|(_vm, mut vcpu)| {
            let syndrome = stored(&mut vcpu);
            (syndrome >> 26, syndrome & 0x3f)
        })
    }};
}

#[test]
fn accesses_that_nobody_can_decode_are_external_aborts() {
    const DATA_ABORT: u64 = 0x25;
    const EXTERNAL: u64 = 0x10;
    let all = [
        faults!("pair", "ldp x2, x3, [x9]"),
        faults!("store_pair", "stp x2, x3, [x9]"),
        faults!("post_index", "ldr x2, [x9], #8"),
        faults!("pre_index", "str x2, [x9, #8]!"),
    ];
    for found in all.into_iter().flatten() {
        assert_eq!(found, (DATA_ABORT, EXTERNAL));
    }
}

#[test]
fn unknown_system_registers_are_undefined_instructions() {
    let all = [
        faults!("read_register", "mrs x0, s3_7_c15_c15_7"),
        faults!("write_register", "msr s3_7_c15_c15_6, x0"),
        // Without performance counters there are none of their registers either.
        faults!("counters", "mrs x0, pmcr_el0"),
    ];
    for found in all.into_iter().flatten() {
        assert_eq!(found.0, 0);
    }
}

#[test]
fn no_kick_is_lost_before_during_or_after_the_guest() {
    for code in [code!("spin", "nop"), code!("sleep", "1: wfi", "b 1b")] {
        let Some((_vm, mut vcpu)) = guest(code) else {
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
}

#[test]
fn doorbells_ring_without_an_exit() {
    let code = code!("doorbell", "mov w2, #3", "str w2, [x9, #0x50]", "str w9, [x9, #0x50]");
    let Some((vm, mut vcpu)) = guest(code) else {
        return;
    };
    let bell = Event::new().unwrap();
    assert!(vm.add_doorbell(DEVICE + 0x50, 3, &bell).unwrap());
    assert_eq!(run(&mut vcpu, VmEntry::Resume), mmio(0x50, 4, Some(DEVICE)));
    assert_eq!(bell.take().unwrap(), 1);
}

#[test]
fn a_line_raises_its_shared_peripheral_interrupt_as_an_edge() {
    // Makes interrupts 48 to 63 edges, says so, and waits until one is pending.
    let code = code!(
        "line",
        "movz x3, #0x0800, lsl #16",
        "movz w2, #0xaaaa",
        "movk w2, #0xaaaa, lsl #16",
        "str w2, [x3, #0xc0c]",
        "str x9, [x9]",
        "1: ldr w0, [x3, #0x204]",
        "cbz w0, 1b",
        "str x0, [x9]",
    );
    let Some((vm, mut vcpu)) = guest(code) else {
        return;
    };
    let line = vm.interrupt(layout::VIRTIO_LINES.start + 3).unwrap();
    assert_eq!(stored(&mut vcpu), DEVICE);
    line.trigger();
    assert_eq!(stored(&mut vcpu), 1 << (16 + 3));
}

#[test]
fn every_line_of_the_machine_exists() {
    let Some((vm, _vcpu)) = guest(&[]) else {
        return;
    };
    for line in layout::VIRTIO_LINES.chain([layout::SERIAL_LINE]) {
        drop(vm.interrupt(line).unwrap());
    }
}

#[test]
fn memory_beyond_the_hosts_addresses_is_refused() {
    let Some(kvm) = crate::testing::kvm() else {
        return;
    };
    let start = GuestAddress((1 << 40) - 0x1_0000);
    let memory = crate::Memory::from_ranges(&[(start, 0x2_0000)]).unwrap();
    let mut vm = Kvm::new(kvm).unwrap().create_vm(1).unwrap();
    let error = vm.map_memory(Arc::new(memory)).unwrap_err();
    assert!(matches!(error, Error::AddressSpace { .. }), "{error}");
}

#[test]
fn a_processor_is_made_once() {
    let Some((vm, _vcpu)) = guest(&[]) else {
        return;
    };
    for id in [0, 1] {
        let init = VcpuInit { id, cpus: 1, entry: None };
        assert!(matches!(vm.create_vcpu(&init), Err(Error::Stuck(_))));
    }
}

#[test]
fn a_file_that_is_no_kvm_is_named() {
    let fd = std::fs::File::open("/dev/null").unwrap();
    assert!(matches!(Kvm::new(fd.into()), Err(Error::NotAHypervisor(_))));
}
