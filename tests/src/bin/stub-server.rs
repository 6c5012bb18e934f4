//! A model server without a model, to be started by `qvm serve` in its sandbox. It answers every
//! prompt with "hello". By the name of what it is to serve (`--alias`) it is
//!
//! - `never…`: alive, but never listening;
//! - `late…`: listening only after [`LATE`].
#![allow(clippy::unwrap_used, reason = "a test's program that cannot go on panics")]

use std::{env, path::Path, thread, time::Duration};

use e2e::scripted::{Scripted, Turn};

/// So long that requests that wait for it are told so at least once.
const LATE: Duration = Duration::from_secs(8);

fn main() {
    let words: Vec<String> = env::args().collect();
    let after = |name: &str| {
        let at = words.iter().position(|word| word == name).unwrap();
        words[at + 1].clone()
    };
    let alias = after("--alias");
    if alias.starts_with("late") {
        thread::sleep(LATE);
    }
    let _server = (!alias.starts_with("never"))
        .then(|| Scripted::on_socket(Path::new(&after("--host")), |_| Turn::say("hello")));
    loop {
        thread::park();
    }
}
