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
#[path = "../common/runner.rs"]
pub(crate) mod runner;
#[path = "works.rs"]
pub(crate) mod works;
#[path = "world.rs"]
pub(crate) mod world;

use std::process::ExitCode;

use world::World;

pub(crate) type Test = runner::Test<World>;

pub(crate) fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("launch") => return launcher::main(&arguments[1..]),
        Some("server") => return launcher::server(&arguments[1..]),
        Some("mounts") => return root::mounts(&arguments[1..]),
        Some("victim") => return world::victim(),
        _ => {}
    }
    let tests: Vec<Test> =
        [attempts::tests(), root::tests(), works::tests()].into_iter().flatten().collect();
    let head = format!("{:<28}{:<12}{:<24}inside", "attempt", "as", "without the sandbox");
    runner::main(&arguments, &tests, Some(&head))
}
