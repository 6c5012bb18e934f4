#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::{Board, Next};
use crate::hypervisor::hvf::binding::{Binding, GicPlace};
use crate::hypervisor::hvf::fake::Fake;
use crate::hypervisor::hvf::psci::Start;

/// Longer than any test: a sleep that is not ended fails it.
const FOR_EVER: Duration = Duration::from_secs(1 << 20);
const START: Start = Start { address: 4, context: 5 };

fn board(cpus: u8) -> Arc<Board<Fake>> {
    let fake = Fake::new();
    fake.vm_create(36).unwrap();
    fake.gic_create(GicPlace { distributor: 0, redistributors: 0 }).unwrap();
    let board = Board::new(fake, cpus);
    board.switch_on(0, START);
    board
}

fn raised(board: &Board<Fake>) -> u64 {
    match board.next(0) {
        Next::Run(raised) => raised,
        other => panic!("{other:?}"),
    }
}

/// With vCPUs that exist, the first of them switched on.
fn running(cpus: u8) -> Arc<Board<Fake>> {
    let board = board(cpus);
    for cpu in 0..cpus {
        // There as long as the framework.
        std::mem::forget(board.binding.cpu_create().unwrap());
        board.attach(cpu, u64::from(cpu));
    }
    assert_eq!(board.next(0), Next::Start(START));
    board
}

#[test]
fn an_interrupt_before_the_sleep_is_not_slept_over() {
    let board = running(1);
    let before = raised(&board);
    board.raised();
    board.sleep(0, before, FOR_EVER);
    assert_eq!(raised(&board), before + 1);
}

#[test]
fn an_interrupt_or_a_kick_ends_the_sleep() {
    for kicked in [false, true] {
        let board = running(1);
        let before = raised(&board);
        thread::scope(|scope| {
            let sleeper = scope.spawn(|| board.sleep(0, before, FOR_EVER));
            if kicked {
                board.kick(0);
            } else {
                board.raised();
            }
            sleeper.join().unwrap();
        });
        assert_eq!(board.take_kick(0), kicked);
        assert!(!board.take_kick(0), "once");
    }
}

#[test]
fn kicks_for_nobody_do_nothing() {
    let board = board(1);
    board.kick(0);
    board.kick(7);
    assert_eq!(board.next(0), Next::Kicked);
    assert_eq!(board.next(7), Next::Kicked, "no such vCPU never runs");
}

#[test]
fn who_goes_waits_until_the_others_have_left_the_guest() {
    let board = running(2);
    raised(&board);
    thread::scope(|scope| {
        let going = scope.spawn(|| board.detach(1));
        board.binding.wait_for_stop(0);
        assert!(!going.is_finished(), "vCPU 0 is in the guest");
        board.left(0);
        going.join().unwrap();
    });
    // From here on there is nothing but to be kicked.
    board.kick(0);
    assert_eq!(board.next(0), Next::Kicked);
}
