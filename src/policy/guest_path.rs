//! Which paths of the guest a share may be mounted on.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Component, Path, PathBuf},
};

/// Directories that the guest's own system lives in: mounting over one of them leaves a guest
/// that cannot run. Directories below them are free, save below the kernel's own.
const SYSTEM: [&str; 20] = [
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/usr",
    "/usr/bin",
    "/usr/sbin",
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/libexec",
    "/usr/share",
    "/etc",
    "/run",
    "/var",
    "/tmp",
    "/boot",
    "/nix",
];

/// The kernel's own file systems. Nothing is mounted on them or below.
pub const KERNEL: [&str; 3] = ["/proc", "/sys", "/dev"];

/// Why a guest path was refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum GuestPathError {
    /// It does not begin with a slash.
    #[error("`{}` is no absolute path; in the guest it must begin with /", .0.display())]
    Relative(PathBuf),
    /// It has `..` in it.
    #[error("`{}` contains `..`; write the path it stands for", .0.display())]
    DotDot(PathBuf),
    /// Longer than the kernel takes.
    #[error("a path in the guest has at most 4095 bytes")]
    TooLong,
    /// It would hide the guest's system.
    #[error("mounting on `{}` would hide the guest's own system; choose a path such as /mnt/data", .0.display())]
    System(PathBuf),
}

/// Normalises an absolute guest path: no `.`, no doubled or trailing slash.
///
/// # Errors
/// When it is not absolute, contains `..`, is too long, or is a directory the guest needs.
pub fn normalise(path: &Path) -> Result<PathBuf, GuestPathError> {
    if !path.is_absolute() {
        return Err(GuestPathError::Relative(path.into()));
    }
    if path.components().any(|c| c == Component::ParentDir) {
        return Err(GuestPathError::DotDot(path.into()));
    }
    let clean: PathBuf = path.components().collect();
    if clean.as_os_str().len() > 4095 {
        return Err(GuestPathError::TooLong);
    }
    let hides = clean == Path::new("/")
        || SYSTEM.iter().any(|s| clean == Path::new(s))
        || KERNEL.iter().any(|k| clean.starts_with(k));
    if hides { Err(GuestPathError::System(clean)) } else { Ok(clean) }
}

/// A `-v` as written: `SRC:DST[:ro]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShareArg {
    /// Host path, as given.
    pub source: PathBuf,
    /// Guest path, normalised.
    pub guest: PathBuf,
    /// `:ro` was given.
    pub read_only: bool,
}

/// Why a `-v` was not understood.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShareArgError {
    /// Not of the form.
    #[error("a share is written SRC:DST or SRC:DST:ro, with an absolute DST")]
    Form,
    /// The guest path is refused.
    #[error(transparent)]
    Guest(#[from] GuestPathError),
}

/// Parses `SRC:DST[:ro|:rw]`. The guest path begins at the last `:/`, so that a source may
/// contain a colon.
///
/// # Errors
/// [`ShareArgError`].
pub fn share(text: &OsStr) -> Result<ShareArg, ShareArgError> {
    let bytes = text.as_bytes();
    let (rest, read_only) = match (bytes.strip_suffix(b":ro"), bytes.strip_suffix(b":rw")) {
        (Some(rest), _) => (rest, true),
        (_, Some(rest)) => (rest, false),
        _ => (bytes, false),
    };
    let colon = rest
        .windows(2)
        .rposition(|w| w == b":/")
        .filter(|at| *at > 0)
        .ok_or(ShareArgError::Form)?;
    let (source, guest) = rest.split_at(colon);
    let path = |b: &[u8]| PathBuf::from(OsString::from_vec(b.to_vec()));
    Ok(ShareArg {
        source: path(source),
        guest: normalise(&path(guest.get(1..).unwrap_or_default()))?,
        read_only,
    })
}

#[cfg(test)]
#[path = "guest_path_test.rs"]
mod tests;
