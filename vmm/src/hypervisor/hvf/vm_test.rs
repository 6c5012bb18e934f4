#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use vm_memory::GuestAddress;

use crate::Memory;
use crate::arch::aarch64::layout;
use crate::hypervisor::hvf::binding::Refusal;
use crate::hypervisor::hvf::board::Next;
use crate::hypervisor::hvf::fake::Fake;
use crate::hypervisor::hvf::psci::Start;
use crate::hypervisor::hvf::{Hvf, HvfVm};
use crate::hypervisor::{Error, Hypervisor, Vm};

fn create(fake: &Fake, cpus: u8) -> Result<HvfVm<Fake>, Error> {
    Hvf::new(fake.clone())?.create_vm(cpus)
}

fn message<T>(result: Result<T, Error>) -> String {
    let line = result.err().unwrap().to_string();
    assert!(!line.contains('\n'));
    line
}

#[test]
fn a_refusal_is_told_and_leaves_no_machine_behind() {
    for (call, refusal, says) in [
        ("available", Refusal::UNSUPPORTED, "macOS 14.7 is too old"),
        ("hv_vm_create", Refusal::DENIED, "com.apple.security.hypervisor"),
        ("hv_vm_create", Refusal::BUSY, "already"),
        ("hv_vm_create", Refusal::NO_RESOURCES, "no room"),
        ("hv_gic_create", Refusal::UNSUPPORTED, "hv_gic_create"),
    ] {
        let fake = Fake::new();
        fake.world().refuse = Some((call, refusal));
        let line = message(create(&fake, 1));
        assert!(line.contains(says), "{line}");
        assert!(!fake.world().machine);
    }
}

#[test]
fn one_machine_at_a_time() {
    let fake = Fake::new();
    let first = create(&fake, 1).unwrap();
    assert!(message(create(&fake, 1)).contains("already"));
    drop(first);
    create(&fake, 1).unwrap();
    assert_eq!(fake.world().destroyed, 2);
}

#[test]
fn more_vcpus_than_the_host_gives_are_refused() {
    let line = message(create(&Fake::new(), 9));
    assert!(line.contains("9 CPUs") && line.contains('8'), "{line}");
}

#[test]
fn memory_stays_within_what_a_guest_can_address() {
    let fake = Fake::new();
    fake.world().ipa_bits = 31;
    let map = |start: u64, length: usize| {
        let memory = Memory::from_ranges(&[(GuestAddress(start), length)]).unwrap();
        create(&fake, 1).unwrap().map_memory(Arc::new(memory))
    };
    map((1 << 31) - (1 << 20), 1 << 20).unwrap();
    let line = message(map((1 << 31) - (1 << 20), (1 << 20) + 0x4000));
    assert!(line.contains("31 bits") && line.contains("are 1 MiB"), "{line}");
    assert!(message(map(layout::MEMORY, (1 << 20) + 0x1000)).contains("16 KiB"));
}

#[test]
fn lines_are_those_of_the_controller() {
    let vm = create(&Fake::new(), 1).unwrap();
    for line in [0, 47, 987] {
        vm.interrupt(line).unwrap();
    }
    for line in [988, u32::MAX - 32, u32::MAX] {
        assert!(message(vm.interrupt(line)).contains("no line"));
    }
}

#[test]
fn doorbells_are_the_vcpus_to_ring() {
    let vm = create(&Fake::new(), 1).unwrap();
    let event = virtio_devices::event::Event::new().unwrap();
    assert!(!vm.add_doorbell(layout::VIRTIO, 0, &event).unwrap());
}

#[test]
fn a_raised_line_is_news_to_whoever_waits() {
    let vm = create(&Fake::new(), 1).unwrap();
    let start = Start { address: layout::MEMORY, context: 0 };
    vm.board.switch_on(0, start);
    vm.board.attach(0, 0);
    assert_eq!(vm.board.next(0), Next::Start(start));
    assert_eq!(vm.board.next(0), Next::Run(0));
    vm.interrupt(3).unwrap().trigger();
    assert_eq!(vm.board.next(0), Next::Run(1));
}
