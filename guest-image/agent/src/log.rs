//! Lines for the kernel log, which the host shows when a boot fails. Silence means all is well.

use std::fmt::Display;
use std::fs::OpenOptions;
use std::io::Write;

/// Something is not as it should be, but the guest can do without.
pub fn warn(message: impl Display) {
    line(4, &message);
}

/// The guest is of no use.
pub fn fatal(message: impl Display) {
    line(2, &message);
}

/// An error and its causes on one line.
pub fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// One record of the kernel log: a priority in angle brackets, then the text (`Documentation/ABI/
/// testing/dev-kmsg` in the kernel).
#[cfg(not(test))]
fn line(priority: u8, message: &dyn Display) {
    let text = format!("<{priority}>qvm-agent: {message}\n");
    if let Ok(mut log) = OpenOptions::new().write(true).open("/dev/kmsg") {
        let _ = log.write_all(text.as_bytes());
    }
}

/// Tests must not write into the log of the machine they run on.
#[cfg(test)]
fn line(priority: u8, message: &dyn Display) {
    let _ = (OpenOptions::new(), std::io::sink().flush());
    eprintln!("<{priority}>qvm-agent: {message}");
}
