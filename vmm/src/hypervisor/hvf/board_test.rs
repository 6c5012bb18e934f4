#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::{Board, Next};
use crate::hypervisor::hvf::fake::Fake;
use crate::hypervisor::hvf::psci::Start;

/// Longer than any test: a sleep that is not ended fails it.
const FOR_EVER: Duration = Duration::from_secs(1 << 20);
const START: Start = Start { address: 4, context: 5 };

fn board() -> Arc<Board<Fake>> {
    let board = Board::new(Fake::new(), 1);
    board.switch_on(0, START);
    board
}

fn raised(board: &Board<Fake>) -> u64 {
    match board.next(0) {
        Next::Run(raised) => raised,
        other => panic!("{other:?}"),
    }
}

/// Lets vCPU 0 exist without the framework knowing: nobody kicks it by name here.
fn running() -> Arc<Board<Fake>> {
    let board = board();
    board.attach(0, 0);
    board.detach(0);
    assert_eq!(board.next(0), Next::Start(START));
    board
}

#[test]
fn an_interrupt_before_the_sleep_is_not_slept_over() {
    let board = running();
    let before = raised(&board);
    board.raised();
    board.sleep(0, before, FOR_EVER);
    assert_eq!(raised(&board), before + 1);
}

#[test]
fn an_interrupt_or_a_kick_ends_the_sleep() {
    for kicked in [false, true] {
        let board = running();
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
    let board = board();
    board.kick(0);
    board.kick(7);
    assert_eq!(board.next(0), Next::Kicked);
    assert_eq!(board.next(7), Next::Kicked, "no such vCPU never runs");
}
