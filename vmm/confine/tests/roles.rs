//! Processes that confine themselves and then try to get out, for real.
//!
//! This program runs itself anew as each such process: `roles child CASE …` (see
//! [`child`]). Every attempt at escape is made by a process of its own, since most are
//! answered with death, and is made twice: sealed, and before the system call filter, so that
//! the other layers are seen to hold alone. Run by root, all is done a second time as
//! an ordinary user.

#![allow(
    unsafe_code,
    missing_docs,
    clippy::unwrap_used,
    clippy::undocumented_unsafe_blocks,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap
)]

#[path = "roles/attempts.rs"]
mod attempts;
#[path = "roles/child.rs"]
mod child;
#[path = "roles/death.rs"]
mod death;
#[path = "roles/outside.rs"]
mod outside;
#[path = "roles/works.rs"]
mod works;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    process::ExitCode,
};

use outside::Outside;

/// A test: its name and what it does with the world outside the confined process.
type Test = (String, Box<dyn Fn(&Outside)>);

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let first = arguments.next().unwrap_or_default();
    if first == "child" {
        return child::main(&arguments.collect::<Vec<_>>());
    }
    let tests: Vec<Test> =
        [attempts::tests(), works::tests(), death::tests()].into_iter().flatten().collect();
    if first == "--list" || arguments.next().is_some_and(|second| second == "--list") {
        for (name, _) in &tests {
            println!("{name}: test");
        }
        return ExitCode::SUCCESS;
    }
    let filter = if first.starts_with('-') { "" } else { &first };
    run(&tests, filter)
}

fn run(tests: &[Test], filter: &str) -> ExitCode {
    let worlds = outside::worlds();
    let (mut passed, mut failed) = (0, 0);
    for (name, test) in tests.iter().filter(|(name, _)| name.contains(filter)) {
        for world in &worlds {
            let works = catch_unwind(AssertUnwindSafe(|| test(world))).is_ok();
            println!("test {name} (as {}) ... {}", world.who, if works { "ok" } else { "FAILED" });
            if works {
                passed += 1;
            } else {
                failed += 1;
            }
        }
    }
    let result = if failed == 0 { "ok" } else { "FAILED" };
    println!("\ntest result: {result}. {passed} passed; {failed} failed; 0 ignored");
    ExitCode::from(u8::from(failed != 0))
}
