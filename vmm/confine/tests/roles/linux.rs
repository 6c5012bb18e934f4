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
#[path = "../common/runner.rs"]
pub(crate) mod runner;
#[path = "works.rs"]
pub(crate) mod works;

use std::process::ExitCode;

use outside::Outside;

pub(crate) type Test = runner::Test<Outside>;

pub(crate) fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "child") {
        return child::main(&arguments[1..]);
    }
    let tests: Vec<Test> =
        [attempts::tests(), works::tests(), death::tests()].into_iter().flatten().collect();
    runner::main(&arguments, &tests, None)
}
