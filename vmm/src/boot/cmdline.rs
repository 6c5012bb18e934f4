//! The kernel command line.

use vm_memory::{Bytes, GuestAddress};

use super::Error;
use crate::Memory;
use crate::arch::x86_64::layout;

/// Writes the command line where both boot protocols expect it.
///
/// # Errors
/// [`Error::CommandLine`].
pub fn write(memory: &Memory, cmdline: &str) -> Result<(), Error> {
    if cmdline.len() > layout::COMMAND_LINE_MAX {
        return Err(Error::CommandLine(
            "is longer than the 2047 bytes that Linux takes",
        ));
    }
    if cmdline.bytes().any(|byte| byte == 0 || byte == b'\n') {
        return Err(Error::CommandLine("contains a NUL or a line end"));
    }
    let mut bytes = Vec::with_capacity(cmdline.len() + 1);
    bytes.extend_from_slice(cmdline.as_bytes());
    bytes.push(0);
    memory.write_slice(&bytes, GuestAddress(layout::COMMAND_LINE))?;
    Ok(())
}

/// What is true of the machine whatever runs in it, and saves the kernel the search.
///
/// | word | why |
/// |---|---|
/// | `panic=-1` | a panic is a reset at once, which ends the machine |
/// | `reboot=a` | reset by the ACPI reset port, without trying others |
/// | `pci=off` | there is no PCI; the search is some 170 exits |
/// | `8250.nr_uarts=1` | there is COM1 only; the search is some 60 exits |
/// | `tsc=reliable` | no watchdog over the clock |
/// | `no_timer_check` | no test of the timer interrupt's wiring |
/// | `cryptomgr.notests` | no self-tests of algorithms |
/// | `random.trust_cpu=on` | randomness at once from the processor |
/// | `rcupdate.rcu_expedited=1` | short waits while the system comes up |
/// | `console=ttyS0` | the early log; each byte is an exit, hence `quiet` unless asked for |
const ALWAYS: &str = "console=ttyS0 panic=-1 reboot=a pci=off 8250.nr_uarts=1 tsc=reliable \
                      no_timer_check cryptomgr.notests random.trust_cpu=on \
                      rcupdate.rcu_expedited=1";

/// The command line that boots this machine cleanly and fast; callers add what is theirs
/// (`root=`, `init=`, …). `verbose` lets the kernel print its whole log to the serial port.
#[must_use]
pub fn base(verbose: bool) -> String {
    let log = if verbose { "loglevel=7" } else { "quiet" };
    format!("{ALWAYS} {log}")
}
