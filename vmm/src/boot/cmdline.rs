//! The kernel command line.

use vm_memory::{Bytes, GuestAddress};

use super::Error;
use crate::Memory;
use crate::arch::{Arch, Native};

/// Longest command line, the NUL not counted (Linux: `COMMAND_LINE_SIZE` is 2048, on aarch64 too).
pub const MAX: usize = 2047;

/// Checks a command line.
///
/// # Errors
/// [`Error::CommandLine`].
pub fn check(cmdline: &str) -> Result<(), Error> {
    if cmdline.len() > MAX {
        return Err(Error::CommandLine("is longer than the 2047 bytes that Linux takes"));
    }
    if cmdline.bytes().any(|byte| byte == 0 || byte == b'\n') {
        return Err(Error::CommandLine("contains a NUL or a line end"));
    }
    Ok(())
}

/// Writes the command line with its final NUL to `address`.
///
/// # Errors
/// [`Error::CommandLine`].
pub fn write(memory: &Memory, cmdline: &str, address: u64) -> Result<(), Error> {
    check(cmdline)?;
    let mut bytes = Vec::with_capacity(cmdline.len() + 1);
    bytes.extend_from_slice(cmdline.as_bytes());
    bytes.push(0);
    memory.write_slice(&bytes, GuestAddress(address))?;
    Ok(())
}

/// What is true of the x86-64 machine whatever runs in it.
///
/// Measured with Debian's 6.12 cloud kernel under emulated KVM with instruction-counted time, to
/// the orderly end of a small init: 3.82 s without `cryptomgr.notests`, 2.24 s with it; 9 ms for
/// `pci=off`, 1 ms for `8250.nr_uarts`, 10 ms for the serial console under `quiet`. Neither
/// `tsc=reliable`, `no_timer_check`, `random.trust_cpu=on`, `rcupdate.rcu_expedited=1`,
/// `nokaslr`, `mitigations=off`, `audit=0` nor a shorter `lsm=` made a difference.
///
/// | word | why |
/// |---|---|
/// | `console=ttyS0` | the early log; each byte is an exit, hence `quiet` unless asked for |
/// | `panic=-1` | a panic is a reset at once, which ends the machine |
/// | `reboot=a` | reset by the ACPI reset port, without trying others |
/// | `cryptomgr.notests` | no self-tests of algorithms: two fifths of the boot |
/// | `pci=off` | there is no PCI; the search is some 130 exits |
/// | `8250.nr_uarts=1` | there is COM1 only; the search is some 50 exits |
pub const X86_64: &str =
    "console=ttyS0 panic=-1 reboot=a cryptomgr.notests pci=off 8250.nr_uarts=1";

/// The same of the aarch64 machine. Its device tree names every device, so that nothing is
/// searched for, and a reset is a call of the firmware.
pub const AARCH64: &str = "console=ttyAMA0 panic=-1 cryptomgr.notests";

/// The command line that boots this machine cleanly and fast; callers add what is theirs
/// (`root=`, `init=`, …). `verbose` lets the kernel print its whole log to the serial port.
#[must_use]
pub fn base(verbose: bool) -> String {
    let log = if verbose { "loglevel=7" } else { "quiet" };
    format!("{} {log}", <Native as Arch>::CMDLINE)
}

#[cfg(test)]
#[path = "cmdline_test.rs"]
mod tests;
