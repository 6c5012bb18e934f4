//! The exit loop of one vCPU, step by step.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use virtio_devices::testing::Random;
use vm_memory::GuestAddress;

use super::binding::{EXCEPTION, RawExit, SysReg, VTIMER_ACTIVATED};
use super::fake::{Fake, Registers, Step, abort, hvc, look, reason, trap};
use super::{Hvf, HvfVcpu, HvfVm};
use crate::Memory;
use crate::arch::VcpuInit;
use crate::arch::aarch64::{BootEntry, layout};
use crate::hypervisor::{Error, Hypervisor, Kicker, Vcpu, Vm, VmEntry, VmExit};

const ENTRY: BootEntry =
    BootEntry { address: layout::MEMORY + 0x8_0000, device_tree: layout::MEMORY + 0x1000 };
const DATA_ABORT: u64 = 0x24 << 26 | 1 << 25 | 7;
const ISV: u64 = 1 << 24;

/// A machine with one vCPU that runs `steps`. In this order, so that the vCPU goes first.
struct Rig {
    cpu: HvfVcpu<Fake>,
    vm: HvfVm<Fake>,
    fake: Fake,
}

fn rig(steps: impl IntoIterator<Item = Step>) -> Rig {
    let fake = Fake::new();
    fake.program(0, steps);
    let mut vm = Hvf::new(fake.clone()).unwrap().create_vm(1).unwrap();
    let memory = Memory::from_ranges(&[(GuestAddress(layout::MEMORY), 1 << 20)]).unwrap();
    vm.map_memory(Arc::new(memory)).unwrap();
    let mut cpu = vm.create_vcpu(&VcpuInit { id: 0, cpus: 1, entry: Some(ENTRY) }).unwrap();
    cpu.attach().unwrap();
    Rig { cpu, vm, fake }
}

impl Rig {
    fn run(&mut self) -> VmExit {
        self.cpu.run(VmEntry::Resume).unwrap()
    }

    /// Runs to the end of the program and answers the registers.
    fn finish(&mut self) -> Registers {
        self.cpu.kicker().kick();
        assert_eq!(self.run(), VmExit::Interrupted);
        self.registers()
    }

    fn registers(&self) -> Registers {
        self.fake.world().cpus[0].registers.clone()
    }
}

/// A load or store.
fn access(size: u64, register: u64, sign: u64, wide: u64, write: u64) -> u64 {
    DATA_ABORT | ISV | size << 22 | sign << 21 | register << 16 | wide << 15 | write << 6
}

#[test]
fn the_first_vcpu_starts_as_linux_wants_it() {
    let mut rig = rig([
        look(|registers| {
            assert_eq!((registers.pc, registers.x[0]), (ENTRY.address, ENTRY.device_tree));
            assert_eq!(registers.x[1..4], [0; 3]);
            assert_eq!(registers.cpsr, 0x3c5);
            assert_eq!(registers.system[&SysReg::SctlrEl1] & 1, 0, "MMU off");
            assert_eq!(registers.system[&SysReg::MpidrEl1], 1 << 31);
        }),
        reason(0),
    ]);
    assert_eq!(rig.run(), VmExit::Interrupted);
    let world = rig.fake.world();
    assert_eq!(world.maps, [(layout::MEMORY, 1 << 20)]);
    assert_eq!(world.gic.unwrap().distributor, layout::GIC_DISTRIBUTOR);
}

#[test]
fn loads_of_every_width_reach_their_register() {
    for (size, sign, wide, answer, expected) in [
        (0, 0, 0, 0xaa_ff, 0xff),
        (0, 1, 0, 0x80, 0xffff_ff80),
        (0, 1, 1, 0x80, 0xffff_ffff_ffff_ff80),
        (1, 0, 0, 0x1_8001, 0x8001),
        (1, 1, 0, 0x8001, 0xffff_8001),
        (1, 1, 1, 0x8001, 0xffff_ffff_ffff_8001),
        (2, 0, 0, u64::MAX, 0xffff_ffff),
        (2, 1, 1, 0x8000_0000, 0xffff_ffff_8000_0000),
        (3, 0, 1, 0x0123_4567_89ab_cdef, 0x0123_4567_89ab_cdef),
    ] {
        for register in [0u64, 7, 30] {
            let mut rig =
                rig([abort(access(size, register, sign, wide, 0), 0xa00_0010), reason(0)]);
            let exit = rig.run();
            let size = 1 << size;
            assert_eq!(exit, VmExit::Mmio { address: 0xa00_0010, size, write: None });
            assert_eq!(rig.cpu.run(VmEntry::Value(answer)).unwrap(), VmExit::Interrupted);
            let registers = rig.registers();
            assert_eq!(registers.x[usize::try_from(register).unwrap()], expected);
            assert_eq!(registers.pc, ENTRY.address + 4);
        }
    }
}

#[test]
fn a_load_to_register_31_goes_nowhere() {
    let mut rig = rig([abort(access(3, 31, 0, 1, 0), 0xa00_0000), reason(0)]);
    let before = rig.run();
    assert!(matches!(before, VmExit::Mmio { write: None, .. }));
    rig.cpu.run(VmEntry::Value(u64::MAX)).unwrap();
    let registers = rig.registers();
    assert_eq!(registers.x[1..], [0; 30]);
    assert_eq!(registers.pc, ENTRY.address + 4);
}

#[test]
fn stores_of_every_width_bring_their_value() {
    for (size, expected) in [(0, 0xef), (1, 0xcdef), (2, 0x89ab_cdef), (3, 0x0123_4567_89ab_cdef)] {
        let mut rig = rig([
            look(|registers| registers.x[5] = 0x0123_4567_89ab_cdef),
            abort(access(size, 5, 0, 0, 1), 0x900_0000),
            abort(access(size, 31, 0, 0, 1), 0x900_0000),
        ]);
        let mut store = || match rig.run() {
            VmExit::Mmio { address: 0x900_0000, size: width, write: Some(value) } => {
                assert_eq!(width, 1 << size);
                value
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(store(), expected);
        assert_eq!(store(), 0, "XZR");
        assert_eq!(rig.registers().pc, ENTRY.address + 12, "WFE and two stores");
    }
}

#[test]
fn an_answer_nobody_asked_for_is_refused() {
    let mut rig = rig([abort(access(2, 0, 0, 0, 0), 0)]);
    assert!(matches!(rig.cpu.run(VmEntry::Value(0)), Err(Error::WrongEntry)));
    rig.run();
    assert!(matches!(rig.cpu.run(VmEntry::Resume), Err(Error::WrongEntry)));
}

#[test]
fn an_access_that_is_not_described_is_an_external_abort_in_the_guest() {
    let mut rig = rig([
        look(|registers| {
            registers.system.insert(SysReg::VbarEl1, 0x7000);
        }),
        abort(DATA_ABORT, 0xa00_0000),
        look(|registers| {
            assert_eq!(registers.pc, 0x7200);
            assert_eq!(registers.system[&SysReg::ElrEl1], ENTRY.address + 4);
            assert_eq!(registers.system[&SysReg::EsrEl1], 0x25 << 26 | 1 << 25 | 0x10);
            assert_eq!(registers.system[&SysReg::FarEl1], !0xa00_0000);
            assert_eq!(registers.cpsr & 0x3cf, 0x3c5);
        }),
        reason(0),
    ]);
    assert_eq!(rig.run(), VmExit::Interrupted);
}

#[test]
fn code_where_no_memory_is_faults_once_and_then_ends() {
    let fetch = 0x20 << 26 | 1 << 25 | 7;
    let mut rig = rig([
        abort(fetch, 0),
        look(|registers| {
            assert_eq!(registers.pc, 0x200);
            // The vector itself.
            registers.pc -= 4;
        }),
        abort(fetch, 0x200),
    ]);
    let error = rig.cpu.run(VmEntry::Resume).unwrap_err().to_string();
    assert!(error.contains("exception vector") && error.contains("0x200"), "{error}");
}

#[test]
fn cache_maintenance_on_devices_is_done() {
    let mut rig = rig([abort(DATA_ABORT | ISV | 1 << 8, 0xa00_0000), reason(0)]);
    assert_eq!(rig.run(), VmExit::Interrupted);
    assert_eq!(rig.registers().pc, ENTRY.address + 4);
}

#[test]
fn firmware_answers_hvc_and_smc() {
    let smc: Step = Box::new(|registers| {
        registers.x[0] = 0x8400_0000;
        RawExit { reason: EXCEPTION, syndrome: 0x17 << 26, ..RawExit::default() }
    });
    let mut rig = rig([
        hvc([0x8400_0000, 0, 0, 0]),
        look(|registers| {
            assert_eq!((registers.x[0], registers.pc), (0x1_0001, ENTRY.address + 4));
        }),
        smc,
        look(|registers| {
            assert_eq!((registers.x[0], registers.pc), (0x1_0001, ENTRY.address + 12));
        }),
        hvc([0xc600_0001, 1, 2, 3]),
        look(|registers| assert_eq!(registers.x[..4], [u64::MAX, 1, 2, 3])),
        // HVC #1 is nobody's.
        look(|registers| registers.x[0] = 0x8400_0008),
        trap(0x16 << 26 | 1),
        look(|registers| assert_eq!(registers.x[0], u64::MAX)),
        hvc([0x8400_0008, 0, 0, 0]),
        hvc([0x8400_0009, 0, 0, 0]),
    ]);
    assert_eq!(rig.run(), VmExit::SystemEvent { kind: 1 });
    assert_eq!(rig.run(), VmExit::SystemEvent { kind: 2 });
}

#[test]
fn registers_that_trap_are_answered() {
    let moved = |op0: u64, op1: u64, crn: u64, crm: u64, op2: u64, rt: u64, read: u64| {
        0x18 << 26 | op0 << 20 | op2 << 17 | op1 << 14 | crn << 10 | rt << 5 | crm << 1 | read
    };
    let mut rig = rig([
        look(|registers| {
            registers.x[3] = 99;
            registers.system.insert(SysReg::VbarEl1, 0x7000);
        }),
        trap(moved(2, 0, 1, 1, 4, 3, 1)),
        look(|registers| assert_eq!((registers.x[3], registers.pc), (8, ENTRY.address + 8))),
        trap(moved(2, 0, 1, 0, 4, 31, 0)),
        trap(moved(3, 0, 0, 6, 1, 31, 1)),
        look(|registers| assert_eq!(registers.pc, ENTRY.address + 20)),
        trap(moved(3, 0, 12, 11, 5, 0, 0)),
        look(|registers| {
            assert_eq!(registers.pc, 0x7200);
            assert_eq!(registers.system[&SysReg::EsrEl1], 1 << 25);
            assert_eq!(registers.system[&SysReg::ElrEl1], ENTRY.address + 24);
        }),
        // SVE, where there is none.
        trap(0x19 << 26),
        look(|registers| assert_eq!(registers.pc, 0x7200)),
        reason(0),
    ]);
    assert_eq!(rig.run(), VmExit::Interrupted);
}

#[test]
fn a_timer_that_stops_the_guest_becomes_its_interrupt() {
    let set = |control| {
        move |registers: &mut Registers| {
            registers.system.insert(SysReg::CntvCtlEl0, control);
        }
    };
    let fires: Step = Box::new(move |registers| {
        set(0b101)(registers);
        RawExit { reason: VTIMER_ACTIVATED, ..RawExit::default() }
    });
    let mut rig = rig([fires, reason(0), look(set(0b110)), reason(0), reason(0)]);
    assert_eq!(rig.run(), VmExit::Interrupted);
    {
        let world = rig.fake.world();
        assert_eq!((world.cpus[0].pended, world.cpus[0].masked), (1 << 27, true));
    }
    assert_eq!(rig.run(), VmExit::Interrupted);
    assert!(!rig.fake.world().cpus[0].masked, "the guest has masked it itself");
}

#[test]
fn waiting_ends_with_the_timer() {
    let mut rig = rig([
        look(|registers| {
            registers.system.insert(SysReg::CntvCtlEl0, 1);
            registers.system.insert(SysReg::CntvCvalEl0, 24_000);
        }),
        trap(0x01 << 26),
        look(|registers| assert_eq!(registers.pc, ENTRY.address + 8)),
        // CPU_SUSPEND is another word for it.
        hvc([0xc400_0001, 0, 0, 0]),
        look(|registers| assert_eq!(registers.x[0], 0)),
        reason(0),
    ]);
    let start = std::time::Instant::now();
    assert_eq!(rig.run(), VmExit::Interrupted);
    // One millisecond each, by the fake's 24 MHz.
    assert!(start.elapsed() >= std::time::Duration::from_millis(2));
}

#[test]
fn a_line_is_a_pulse_that_no_other_process_can_raise() {
    let mut rig = rig([reason(0)]);
    let line = rig.vm.interrupt(16).unwrap();
    line.trigger();
    assert_eq!(rig.fake.world().spis, [(48, true), (48, false)]);
    assert!(line.event().is_none());
    assert_eq!(rig.run(), VmExit::Interrupted);
}

#[test]
fn what_cannot_be_is_said_with_syndrome_and_instruction() {
    for step in [
        trap(0x3c << 26),
        trap(0),
        reason(3),
        reason(u32::MAX),
        abort(DATA_ABORT | ISV & !7 | 0x10, 5),
    ] {
        let mut rig = rig([step]);
        let error = rig.cpu.run(VmEntry::Resume).unwrap_err();
        assert!(matches!(&error, Error::Stuck(_)), "{error}");
        let text = error.to_string();
        assert!(text.contains("syndrome 0x") && text.contains("instruction 0x4008"), "{text}");
    }
}

#[test]
fn a_refused_run_is_named() {
    let mut rig = rig([]);
    rig.fake.world().refuse = Some(("hv_vcpu_run", super::binding::Refusal(0xfae9_4004)));
    let error = rig.cpu.run(VmEntry::Resume).unwrap_err().to_string();
    assert!(error.contains("HV_ILLEGAL_GUEST_STATE"), "{error}");
}

#[test]
fn a_kick_before_the_run_counts_once() {
    let mut rig = rig([]);
    rig.finish();
    rig.fake.program(0, [hvc([0x8400_0008, 0, 0, 0])]);
    // The framework's own stop of the next run may be left: at most one more.
    let mut exit = rig.run();
    if exit == VmExit::Interrupted {
        exit = rig.run();
    }
    assert_eq!(exit, VmExit::SystemEvent { kind: 1 });
}

/// Whatever the guest does, the monitor neither panics nor hangs.
#[test]
fn a_hundred_thousand_random_exits() {
    let mut random = Random::new(1);
    let classes =
        [0x00, 0x01, 0x07, 0x16, 0x17, 0x18, 0x18, 0x19, 0x20, 0x24, 0x24, 0x24, 0x3c, 0x3f];
    let mut steps: Vec<Step> = Vec::new();
    for _ in 0..100_000 {
        let class = classes[random.below(classes.len())];
        let syndrome = class << 26 | random.next_u64() & 0x3ff_ffff;
        let numbers = [0; 36].map(|_: u64| random.next_u64() >> random.below(64));
        let reason = [1, 1, 1, 1, 1, 1, 0, 2, 3, u32::MAX][random.below(10)];
        let function = [0x8400_0000, 0xc400_0000, 0x8000_0000][random.below(3)];
        steps.push(Box::new(move |registers| {
            registers.x.copy_from_slice(&numbers[..31]);
            if numbers[31] & 1 == 0 {
                registers.x[0] = function | numbers[0] & 0x1f;
            }
            // An only vCPU that is off waits for ever, as it should.
            if registers.x[0] & 0xffff_ffff == 0x8400_0002 {
                registers.x[0] = 0;
            }
            registers.pc = numbers[32];
            registers.cpsr = numbers[33];
            // A timer that fires at once: this is no test of sleeping.
            registers.system.insert(SysReg::CntvCtlEl0, 1);
            registers.system.insert(SysReg::VbarEl1, numbers[34]);
            RawExit {
                reason,
                syndrome,
                virtual_address: numbers[34],
                physical_address: numbers[35],
            }
        }));
    }
    // The last one ends the run.
    steps.push(reason(0));
    let mut rig = rig(steps);
    let mut entry = VmEntry::Resume;
    while rig.fake.steps_left(0) > 0 {
        entry = match rig.cpu.run(entry) {
            Ok(VmExit::Mmio { write: None, size, .. }) => {
                assert!(matches!(size, 1 | 2 | 4 | 8));
                VmEntry::Value(random.next_u64())
            }
            Ok(_) | Err(Error::Stuck(_)) => VmEntry::Resume,
            Err(error) => panic!("{error}"),
        };
    }
}
