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
