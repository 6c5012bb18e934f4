//! Several vCPUs, each on its thread: starting, stopping, kicking.

#![allow(clippy::unwrap_used)]

use std::sync::{Arc, mpsc};
use std::thread;

use vm_memory::GuestAddress;

use super::binding::SysReg;
use super::fake::{Fake, Step, hvc, look, reason};
use super::{Hvf, HvfVcpu, HvfVm};
use crate::Memory;
use crate::arch::VcpuInit;
use crate::arch::aarch64::{BootEntry, layout};
use crate::hypervisor::{Hypervisor, Kicker, Vcpu, Vm, VmEntry, VmExit};

const ENTRY: BootEntry = BootEntry { address: layout::MEMORY, device_tree: layout::MEMORY };
const OTHER: u64 = layout::MEMORY + 0x8000;

const CPU_OFF: u64 = 0x8400_0002;
const CPU_ON: u64 = 0xc400_0003;
const AFFINITY_INFO: u64 = 0xc400_0004;
const SYSTEM_OFF: u64 = 0x8400_0008;

fn machine(fake: &Fake, cpus: u8) -> (HvfVm<Fake>, Vec<HvfVcpu<Fake>>) {
    let mut vm = Hvf::new(fake.clone()).unwrap().create_vm(cpus).unwrap();
    let memory = Memory::from_ranges(&[(GuestAddress(layout::MEMORY), 1 << 20)]).unwrap();
    vm.map_memory(Arc::new(memory)).unwrap();
    let vcpus = (0..cpus)
        .map(|id| {
            vm.create_vcpu(&VcpuInit { id, cpus, entry: (id == 0).then_some(ENTRY) }).unwrap()
        })
        .collect();
    (vm, vcpus)
}

/// Runs them all until one ends the machine; the others are kicked then.
fn run(fake: &Fake, cpus: u8) -> Vec<VmExit> {
    let (vm, vcpus) = machine(fake, cpus);
    let kickers: Vec<_> = vcpus.iter().map(Vcpu::kicker).collect();
    let (ended, end) = mpsc::channel();
    let exits = thread::scope(|scope| {
        let threads: Vec<_> = vcpus
            .into_iter()
            .map(|mut vcpu| {
                let ended = ended.clone();
                scope.spawn(move || {
                    vcpu.attach().unwrap();
                    let exit = vcpu.run(VmEntry::Resume).unwrap();
                    ended.send(()).unwrap();
                    exit
                })
            })
            .collect();
        end.recv().unwrap();
        kickers.iter().for_each(Kicker::kick);
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    drop(vm);
    assert_eq!(fake.world().destroyed, 1);
    exits
}

#[test]
fn the_first_starts_the_others_where_and_with_what_it_says() {
    let fake = Fake::new();
    fake.program(
        0,
        [
            hvc([CPU_ON, 1, OTHER, 77]),
            look(|registers| assert_eq!(registers.x[0], 0)),
            hvc([CPU_ON, 0, OTHER, 0]),
            look(|registers| assert_eq!(registers.x[0], 0u64.wrapping_sub(4), "already on")),
            hvc([CPU_ON, 5, OTHER, 0]),
            look(|registers| assert_eq!(registers.x[0], 0u64.wrapping_sub(2), "no such one")),
        ],
    );
    fake.program(
        1,
        [
            look(|registers| {
                assert_eq!((registers.pc, registers.x[0], registers.cpsr), (OTHER, 77, 0x3c5));
                assert_eq!(registers.system[&SysReg::MpidrEl1], 1 << 31 | 1);
            }),
            hvc([SYSTEM_OFF, 0, 0, 0]),
        ],
    );
    let exits = run(&fake, 3);
    assert_eq!(exits, [VmExit::Interrupted, VmExit::SystemEvent { kind: 1 }, VmExit::Interrupted,]);
    let world = fake.world();
    let offset = world.cpus[0].offset;
    assert!(world.cpus.iter().all(|cpu| cpu.offset == offset), "one clock for all");
}

#[test]
fn a_vcpu_that_went_off_starts_anew_without_its_mmu() {
    let fake = Fake::new();
    fake.program(
        1,
        [
            look(|registers| {
                registers.system.insert(SysReg::SctlrEl1, 0x1 | 0x00c5_0078);
                registers.x[0] = 1;
            }),
            hvc([CPU_OFF, 1, 2, 3]),
            look(|registers| {
                assert_eq!((registers.pc, &registers.x[..4]), (OTHER + 4, &[2, 0, 0, 0][..]));
                assert_eq!(registers.system[&SysReg::SctlrEl1], 0x00c5_0078);
            }),
            hvc([SYSTEM_OFF, 0, 0, 0]),
        ],
    );
    let (vm, mut vcpus) = machine(&fake, 2);
    let (mut second, mut first) = (vcpus.pop().unwrap(), vcpus.pop().unwrap());
    thread::scope(|scope| {
        let thread = scope.spawn(move || {
            second.attach().unwrap();
            let exit = second.run(VmEntry::Resume).unwrap();
            (exit, second.kicker())
        });
        fake.program(0, [hvc([CPU_ON, 1, OTHER, 1]), reason(0)]);
        first.attach().unwrap();
        assert_eq!(first.run(VmEntry::Resume).unwrap(), VmExit::Interrupted);
        let (answered, answer) = mpsc::channel();
        loop {
            let answered = answered.clone();
            fake.program(
                0,
                [
                    hvc([AFFINITY_INFO, 1, 0, 0]),
                    look(move |registers| answered.send(registers.x[0]).unwrap()),
                    reason(0),
                ],
            );
            assert_eq!(first.run(VmEntry::Resume).unwrap(), VmExit::Interrupted);
            if answer.recv().unwrap() == 1 {
                break;
            }
        }
        fake.program(0, [hvc([CPU_ON, 1, OTHER + 4, 2]), reason(0)]);
        assert_eq!(first.run(VmEntry::Resume).unwrap(), VmExit::Interrupted);
        let (exit, kicker) = thread.join().unwrap();
        assert_eq!(exit, VmExit::SystemEvent { kind: 1 });
        kicker.kick();
        drop(first);
    });
    drop(vm);
}

#[test]
fn no_vcpu_runs_before_all_exist() {
    let fake = Fake::new();
    fake.program(0, [hvc([SYSTEM_OFF, 0, 0, 0])]);
    let (_vm, mut vcpus) = machine(&fake, 2);
    let (mut second, mut first) = (vcpus.pop().unwrap(), vcpus.pop().unwrap());
    let kicker = first.kicker();
    thread::scope(|scope| {
        let thread = scope.spawn(move || {
            first.attach().unwrap();
            // Kicked while it waits for the other: the machine may have failed to start.
            assert_eq!(first.run(VmEntry::Resume).unwrap(), VmExit::Interrupted);
            first.run(VmEntry::Resume).unwrap()
        });
        fake.wait(|world| world.cpus.len() == 1);
        kicker.kick();
        second.attach().unwrap();
        let exit = thread.join().unwrap();
        // The framework keeps a stop for the next run.
        assert!(matches!(exit, VmExit::Interrupted | VmExit::SystemEvent { kind: 1 }), "{exit:?}");
        drop(second);
    });
}

#[test]
fn a_vcpu_goes_when_the_others_have_left_the_guest() {
    let fake = Fake::new();
    fake.program(0, [hvc([CPU_ON, 1, OTHER, 0])]);
    let guest = fake.clone();
    let off: Step = Box::new(move |registers| {
        guest.wait(|world| world.cpus.iter().any(|cpu| cpu.inside));
        hvc([SYSTEM_OFF, 0, 0, 0])(registers)
    });
    fake.program(1, [off]);
    let (_vm, mut vcpus) = machine(&fake, 2);
    let (mut second, mut first) = (vcpus.pop().unwrap(), vcpus.pop().unwrap());
    let kicker = first.kicker();
    thread::scope(|scope| {
        let goes = scope.spawn(move || {
            second.attach().unwrap();
            assert_eq!(second.run(VmEntry::Resume).unwrap(), VmExit::SystemEvent { kind: 1 });
        });
        let stays = scope.spawn(move || {
            first.attach().unwrap();
            [(); 2].map(|()| first.run(VmEntry::Resume).unwrap())
        });
        // The fake does not let it go before.
        goes.join().unwrap();
        kicker.kick();
        assert_eq!(stays.join().unwrap(), [VmExit::Interrupted; 2]);
    });
}

#[test]
fn a_kick_reaches_the_guest_wherever_it_is() {
    let fake = Fake::new();
    let (_vm, mut vcpus) = machine(&fake, 1);
    let mut vcpu = vcpus.pop().unwrap();
    let kicker = vcpu.kicker();
    thread::scope(|scope| {
        let thread = scope.spawn(move || {
            vcpu.attach().unwrap();
            vcpu.run(VmEntry::Resume).unwrap()
        });
        fake.wait(|world| world.cpus.first().is_some_and(|cpu| cpu.inside));
        kicker.kick();
        assert_eq!(thread.join().unwrap(), VmExit::Interrupted);
    });
    // It is gone, and the fake would not forgive its name.
    kicker.kick();
}
