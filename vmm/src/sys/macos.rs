//! macOS.

#![expect(unsafe_code, reason = "calls of the C library")]

use std::io;

/// Fills `data` from the kernel's generator.
pub(crate) fn fill_random(data: &mut [u8]) -> io::Result<()> {
    // SAFETY: writes as many bytes as the slice has.
    unsafe { libc::arc4random_buf(data.as_mut_ptr().cast(), data.len()) };
    Ok(())
}
