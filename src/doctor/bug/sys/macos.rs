//! macOS.
#![expect(unsafe_code, reason = "sysctl is a C function")]

use std::{ffi::CStr, ptr};

/// Version, build, model and processor.
pub fn system() -> Vec<(&'static str, String)> {
    let names = [
        ("macOS", c"kern.osproductversion"),
        ("build", c"kern.osversion"),
        ("model", c"hw.model"),
        ("processor", c"machdep.cpu.brand_string"),
    ];
    names.into_iter().filter_map(|(name, key)| Some((name, text(key)?))).collect()
}

fn text(name: &CStr) -> Option<String> {
    let mut value = [0_u8; 128];
    let mut size = value.len();
    // SAFETY: the name ends with a NUL; at most `size` bytes are written to `value`.
    let rc = unsafe {
        libc::sysctlbyname(
            name.as_ptr(),
            value.as_mut_ptr().cast(),
            &raw mut size,
            ptr::null_mut(),
            0,
        )
    };
    let told = value.get(..size).filter(|_| rc == 0)?;
    let told = told.split(|byte| *byte == 0).next()?;
    Some(String::from_utf8_lossy(told).into_owned())
}
