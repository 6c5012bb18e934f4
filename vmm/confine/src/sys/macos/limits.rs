//! Resource limits.

#![expect(unsafe_code, reason = "sysctlbyname has no safe wrapper")]

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::{Error, Limits, Result, State};

/// `OPEN_MAX`: what a process may open whatever the system says.
const OPEN_MAX: u64 = 10240;

/// Sets the limits that are the process's own.
pub(super) fn set(limits: &Limits) -> Result<State> {
    let mut said = vec!["no core files".to_owned()];
    lower(Resource::Core, 0).map_err(Error::step("limiting core files"))?;
    if let Some(count) = limits.open_files {
        let count = lower(Resource::Nofile, count.min(most_files()))
            .map_err(Error::step("limiting open files"))?;
        said.push(format!("{count} descriptors"));
    }
    if let Some(bytes) = limits.file_size {
        let bytes = lower(Resource::Fsize, bytes).map_err(Error::step("limiting file sizes"))?;
        said.push(format!("files of {bytes} bytes"));
    }
    let missing = "limits of threads and locked memory (the kernel counts all processes of the \
                   user, and the hypervisor locks guest memory)";
    Ok(State::partial(said.join(", "), missing))
}

/// Sets both limits of `resource` to `value` or to what they already allow if that is less. The
/// limit that counts goes up with it: a terminal's shell has 256 descriptors.
fn lower(resource: Resource, value: u64) -> rustix::io::Result<u64> {
    let value = getrlimit(resource).maximum.map_or(value, |max| max.min(value));
    setrlimit(resource, Rlimit { current: Some(value), maximum: Some(value) })?;
    Ok(value)
}

/// What the system lets a process open: asking for more is an error.
fn most_files() -> u64 {
    let mut value: libc::c_int = 0;
    let mut length = size_of::<libc::c_int>();
    // SAFETY: the name ends in zero, and the value is as long as is said and outlives the call.
    let result = unsafe {
        libc::sysctlbyname(
            c"kern.maxfilesperproc".as_ptr(),
            (&raw mut value).cast(),
            &raw mut length,
            std::ptr::null_mut(),
            0,
        )
    };
    u64::try_from(value).ok().filter(|value| result == 0 && *value > 0).unwrap_or(OPEN_MAX)
}
