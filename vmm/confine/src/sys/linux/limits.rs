//! Resource limits.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::{Error, Limits, Result, State};

/// Sets all limits but that of threads.
pub(super) fn set(limits: &Limits) -> Result<Vec<String>> {
    let mut said = vec!["no core files".to_owned()];
    lower(Resource::Core, 0).map_err(Error::step("limiting core files"))?;
    if let Some(count) = limits.open_files {
        let count = open_files(count).map_err(Error::step("limiting open files"))?;
        said.push(format!("{count} descriptors"));
    }
    if let Some(bytes) = limits.file_size {
        let bytes = lower(Resource::Fsize, bytes).map_err(Error::step("limiting file sizes"))?;
        said.push(format!("files of {bytes} bytes"));
    }
    if let Some(bytes) = limits.locked_memory {
        let bytes =
            lower(Resource::Memlock, bytes).map_err(Error::step("limiting locked memory"))?;
        said.push(format!("{bytes} bytes locked"));
    }
    Ok(said)
}

/// Limits threads, where the count is this process's own.
pub(super) fn set_threads(limits: &Limits, own: bool, mut said: Vec<String>) -> Result<State> {
    let Some(count) = limits.threads else {
        return Ok(State::active(said.join(", ")));
    };
    if !own {
        return Ok(State::partial(
            said.join(", "),
            "the limit of threads (the kernel counts all processes of the user without a user namespace)",
        ));
    }
    let count = lower(Resource::Nproc, count).map_err(Error::step("limiting threads"))?;
    said.push(format!("{count} threads"));
    Ok(State::active(said.join(", ")))
}

/// Sets both limits of descriptors to `value` where this process may raise them, as root may
/// with `CAP_SYS_RESOURCE`, and otherwise to what it has.
fn open_files(value: u64) -> rustix::io::Result<u64> {
    match setrlimit(Resource::Nofile, Rlimit { current: Some(value), maximum: Some(value) }) {
        Ok(()) => Ok(value),
        Err(_) => lower(Resource::Nofile, value),
    }
}

/// Sets both limits of `resource` to `value` or to what they already allow if that is less.
fn lower(resource: Resource, value: u64) -> rustix::io::Result<u64> {
    let value = getrlimit(resource).maximum.map_or(value, |max| max.min(value));
    setrlimit(resource, Rlimit { current: Some(value), maximum: Some(value) })?;
    Ok(value)
}
