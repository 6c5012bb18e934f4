//! A foreign server in its sandbox that tries to get out, for real.
//!
//! This program runs itself anew as the launcher and has itself started as the *server*, by
//! [`confine::start_program`]. Each attempt is made twice by the same code and the same user:
//! plainly, where it must work (or it would prove nothing), and inside, where it must not. Run by
//! root, all is done a second time as an ordinary user. What only root can do is attempted by
//! others inside only, and so is what a machine does not have; both are said.

#[path = "attempts.rs"]
pub(crate) mod attempts;
#[path = "kernel.rs"]
pub(crate) mod kernel;
#[path = "launcher.rs"]
pub(crate) mod launcher;
#[path = "root.rs"]
pub(crate) mod root;
#[path = "works.rs"]
pub(crate) mod works;
#[path = "world.rs"]
pub(crate) mod world;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    process::ExitCode,
};

use world::World;

/// A test: its name and what it does with the world outside the sandbox.
pub(crate) type Test = (String, Box<dyn Fn(&World)>);

pub(crate) fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |option: &str| arguments.iter().any(|argument| argument == option);
    match arguments.first().map(String::as_str) {
        Some("launch") => return launcher::main(&arguments[1..]),
        Some("server") => return launcher::server(&arguments[1..]),
        Some("mounts") => return root::mounts(&arguments[1..]),
        Some("victim") => return world::victim(),
        _ => {}
    }
    let tests: Vec<Test> =
        [attempts::tests(), root::tests(), works::tests()].into_iter().flatten().collect();
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
    let worlds = world::worlds();
    let (mut passed, mut failed) = (0, 0);
    println!("{:<28}{:<12}{:<24}inside", "attempt", "as", "without the sandbox");
    for (name, test) in tests.iter().filter(|(name, _)| wanted(name)) {
        for world in &worlds {
            if catch_unwind(AssertUnwindSafe(|| test(world))).is_ok() {
                passed += 1;
            } else {
                println!("test {name} (as {}) ... FAILED", world.who);
                failed += 1;
            }
        }
    }
    let result = if failed == 0 { "ok" } else { "FAILED" };
    println!("\ntest result: {result}. {passed} passed; {failed} failed; 0 ignored");
    ExitCode::from(u8::from(failed != 0))
}
