//! What the system says of itself: sysctlbyname(3).
#![expect(unsafe_code, reason = "a C function without a safe wrapper")]

use std::{ffi::CStr, ptr};

/// A number of 32 or 64 bits; `None` where the system does not know the name.
pub fn number(name: &CStr) -> Option<u64> {
    let mut value = [0; 8];
    match read(name, &mut value)? {
        4 => value.first_chunk().map(|bytes| u32::from_ne_bytes(*bytes).into()),
        8 => Some(u64::from_ne_bytes(value)),
        _ => None,
    }
}

/// A text of less than 128 bytes; `None` where the system does not know the name.
pub fn text(name: &CStr) -> Option<String> {
    let mut value = [0; 128];
    let size = read(name, &mut value)?;
    let told = value.get(..size)?.split(|byte| *byte == 0).next()?;
    Some(String::from_utf8_lossy(told).into_owned())
}

/// Fills the beginning of `value`; returns how much of it.
fn read(name: &CStr, value: &mut [u8]) -> Option<usize> {
    let mut size = value.len();
    // SAFETY: the name ends with a NUL; at most `size` bytes are written to `value`.
    let result = unsafe {
        libc::sysctlbyname(
            name.as_ptr(),
            value.as_mut_ptr().cast(),
            &raw mut size,
            ptr::null_mut(),
            0,
        )
    };
    (result == 0).then_some(size)
}
