//! What is asked of the system itself: its version, and its clock.

#[cfg(target_os = "macos")]
pub(super) use macos::{available, clock};
#[cfg(target_os = "linux")]
pub(super) use shim::{available, clock};

#[cfg(target_os = "macos")]
mod macos {
    use std::ffi::CStr;

    use super::super::Clock;
    use crate::hypervisor::hvf::Error;

    /// First system with an interrupt controller in the framework.
    const OLDEST: u32 = 15;

    #[repr(C)]
    struct Timebase {
        numerator: u32,
        denominator: u32,
    }

    unsafe extern "C" {
        fn mach_absolute_time() -> u64;
        fn mach_timebase_info(info: *mut Timebase) -> i32;
    }

    pub fn available() -> Result<(), Error> {
        let mut version = [0u8; 32];
        if read(c"kern.osproductversion", &mut version) {
            let text = CStr::from_bytes_until_nul(&version).unwrap_or_default();
            let text = text.to_string_lossy();
            let major = text.split('.').next().and_then(|major| major.parse::<u32>().ok());
            if major.is_some_and(|major| major < OLDEST) {
                return Err(Error::OldSystem(text.into_owned()));
            }
        }
        let mut supported = [0u8; 4];
        if read(c"kern.hv_support", &mut supported) && supported == [0; 4] {
            return Err(Error::Unsupported);
        }
        Ok(())
    }

    /// Reads what the system says of itself; `false` if it does not say.
    fn read(name: &CStr, buffer: &mut [u8]) -> bool {
        let mut length = buffer.len();
        // SAFETY: name and buffer are valid, and at most `length` bytes are written.
        let result = unsafe {
            libc::sysctlbyname(
                name.as_ptr(),
                buffer.as_mut_ptr().cast(),
                &raw mut length,
                std::ptr::null_mut(),
                0,
            )
        };
        result == 0
    }

    /// The framework counts guests' time from this clock.
    pub fn clock() -> Clock {
        let mut base = Timebase { numerator: 1, denominator: 1 };
        // SAFETY: writes the structure.
        let _ = unsafe { mach_timebase_info(&raw mut base) };
        // SAFETY: no arguments.
        let now = unsafe { mach_absolute_time() };
        Clock { now, nanoseconds: (base.numerator, base.denominator) }
    }
}

#[cfg(target_os = "linux")]
mod shim {
    use super::super::Clock;
    use crate::hypervisor::hvf::Error;

    pub fn available() -> Result<(), Error> {
        Ok(())
    }

    /// The processor's own counter.
    pub fn clock() -> Clock {
        let (now, frequency): (u64, u64);
        // SAFETY: reads two registers that every program may read.
        unsafe {
            std::arch::asm!(
                "mrs {now}, cntvct_el0",
                "mrs {frequency}, cntfrq_el0",
                now = out(reg) now,
                frequency = out(reg) frequency,
                options(nomem, nostack, preserves_flags),
            );
        }
        Clock { now, nanoseconds: (1_000_000_000, u32::try_from(frequency).unwrap_or(u32::MAX)) }
    }
}
