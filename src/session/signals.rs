//! Signals for qvm, as events.

use std::io;

use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH},
    iterator::Signals,
};

use super::attach::spawn;

/// Signals that mean something to a command: all but SIGWINCH are passed on to it.
const WATCHED: [i32; 7] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH];

/// Reports each watched signal to `tell` instead of letting it end qvm.
///
/// # Errors
/// If the handlers cannot be installed or the thread not started.
pub fn watch(tell: impl Fn(i32) + Send + 'static) -> io::Result<()> {
    let mut signals = Signals::new(WATCHED)?;
    spawn("signals", move || {
        for signal in signals.forever() {
            tell(signal);
        }
    })?;
    Ok(())
}

/// True for signals that ask qvm itself to go.
pub fn asks_to_end(signal: i32) -> bool {
    matches!(signal, SIGHUP | SIGINT | SIGQUIT | SIGTERM)
}

/// True if the terminal changed its size.
pub fn resized(signal: i32) -> bool {
    signal == SIGWINCH
}

/// The number that a signal of this host has in the guest, which is Linux.
pub fn in_guest(signal: i32) -> i32 {
    match signal {
        SIGUSR1 => 10,
        SIGUSR2 => 12,
        // Those that are watched beside have one number everywhere.
        other => other,
    }
}

#[cfg(test)]
#[path = "signals_test.rs"]
mod tests;
