//! The command line of libtest, as far as runners of tests use it, for programs that cannot be
//! libtest's: they start themselves anew as what is to be confined, and that takes one thread.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    process::ExitCode,
};

use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};

/// A test: its name and what it does with a place outside the confined process.
pub type Test<P> = (String, Box<dyn Fn(&P)>);

/// The world outside a confined process, made anew for each user that such processes start as.
pub trait Place: Sized {
    /// The one for `user`, if that is not whoever runs this, and how that is called.
    fn new(who: &'static str, user: Option<u32>) -> Self;

    /// How the user is called.
    fn who(&self) -> &'static str;
}

/// Run by root, all is done a second time as an ordinary user.
fn places<P: Place>() -> Vec<P> {
    if rustix::process::geteuid().is_root() {
        vec![P::new("root", None), P::new("user 1000", Some(1000))]
    } else {
        vec![P::new("caller", None)]
    }
}

/// Lists the tests or runs those that `arguments` ask for, each in all places. Each result has a
/// line, or, where the tests print a table of their own with this head, each failure.
pub fn main<P: Place>(arguments: &[String], tests: &[Test<P>], table: Option<&str>) -> ExitCode {
    let has = |option: &str| arguments.iter().any(|argument| argument == option);
    if has("--list") {
        // Runners ask for the ignored ones apart, and would skip what they find there.
        for (name, _) in tests.iter().filter(|_| !has("--ignored")) {
            println!("{name}: test");
        }
        return ExitCode::SUCCESS;
    }
    let filter = arguments.iter().find(|argument| !argument.starts_with('-'));
    let wanted = |name: &str| match filter {
        Some(filter) if has("--exact") => name == filter,
        Some(filter) => name.contains(filter.as_str()),
        None => true,
    };
    let places: Vec<P> = places();
    let (mut passed, mut failed) = (0, 0);
    if let Some(head) = table {
        println!("{head}");
    }
    for (name, test) in tests.iter().filter(|(name, _)| wanted(name)) {
        for place in &places {
            let works = catch_unwind(AssertUnwindSafe(|| test(place))).is_ok();
            let result = if works { "ok" } else { "FAILED" };
            if table.is_none() || !works {
                println!("test {name} (as {}) ... {result}", place.who());
            }
            *if works { &mut passed } else { &mut failed } += 1;
        }
    }
    let result = if failed == 0 { "ok" } else { "FAILED" };
    println!("\ntest result: {result}. {passed} passed; {failed} failed; 0 ignored");
    ExitCode::from(u8::from(failed != 0))
}

/// Answers calls with an error from now on, as a container's filter does.
pub fn refuse(numbers: &[i64]) {
    let filter = SeccompFilter::new(
        numbers.iter().map(|number| (*number, vec![])).collect(),
        SeccompAction::Allow,
        SeccompAction::Errno(libc::EPERM as u32),
        std::env::consts::ARCH.try_into().unwrap(),
    );
    let program: BpfProgram = filter.unwrap().try_into().unwrap();
    seccompiler::apply_filter(&program).unwrap();
}
