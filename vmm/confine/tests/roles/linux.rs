//! Processes that confine themselves and then try to get out, for real.
//!
//! This program runs itself anew as each such process: `roles child CASE …` (see
//! [`child`]). Every attempt at escape is made by a process of its own, since most are
//! answered with death, and is made twice: sealed, and before the system call filter, so that
//! the other layers are seen to hold alone. Run by root, all is done a second time as
//! an ordinary user.

#[path = "attempts.rs"]
pub(crate) mod attempts;
#[path = "child.rs"]
pub(crate) mod child;
#[path = "death.rs"]
pub(crate) mod death;
#[path = "outside.rs"]
pub(crate) mod outside;
#[path = "works.rs"]
pub(crate) mod works;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    process::ExitCode,
};

use outside::Outside;

/// A test: its name and what it does with the world outside the confined process.
pub(crate) type Test = (String, Box<dyn Fn(&Outside)>);

pub(crate) fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |option: &str| arguments.iter().any(|argument| argument == option);
    let first = arguments.first().cloned().unwrap_or_default();
    if first == "child" {
        return child::main(&arguments[1..]);
    }
    let tests: Vec<Test> =
        [attempts::tests(), works::tests(), death::tests()].into_iter().flatten().collect();
    if has("--list") {
        // Runners ask for the ignored ones apart, and would skip what they find there.
        for (name, _) in tests.iter().filter(|_| !has("--ignored")) {
            println!("{name}: test");
        }
        return ExitCode::SUCCESS;
    }
    let filter = arguments.iter().find(|argument| !argument.starts_with('-'));
    run(&tests, |name| match filter {
        Some(filter) if has("--exact") => name == filter,
        Some(filter) => name.contains(filter.as_str()),
        None => true,
    })
}

fn run(tests: &[Test], wanted: impl Fn(&str) -> bool) -> ExitCode {
    let worlds = outside::worlds();
    let (mut passed, mut failed) = (0, 0);
    for (name, test) in tests.iter().filter(|(name, _)| wanted(name)) {
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
