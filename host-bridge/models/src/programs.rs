//! Programs of the host.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The first executable of that name in `path`, by its real path. Passed over are relative
/// folders and whatever really lies inside one of `shared`: a guest could have put it there.
pub(crate) fn search(name: &str, path: &OsStr, shared: &[PathBuf]) -> Option<PathBuf> {
    env::split_paths(path)
        .filter(|dir| dir.is_absolute())
        .filter_map(|dir| program(&dir.join(name)).ok())
        .find(|real| outside(real, shared))
}

/// The real path of an executable file.
pub(crate) fn program(path: &Path) -> Result<PathBuf, &'static str> {
    let real = path.canonicalize().map_err(|_| "there is no such file")?;
    if !real.is_file() {
        return Err("that is no file");
    }
    match rustix::fs::access(&real, rustix::fs::Access::EXEC_OK) {
        Ok(()) => Ok(real),
        Err(_) => Err("that is not executable"),
    }
}

/// Whether a real path lies in none of the folders.
pub(crate) fn outside(real: &Path, shared: &[PathBuf]) -> bool {
    !shared.iter().any(|dir| real.starts_with(dir))
}
