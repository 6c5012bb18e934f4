//! The software emulator: where it is and whether it is new enough.

#![cfg_attr(target_os = "macos", allow(dead_code, reason = "only Linux looks for it"))]

use std::{
    env,
    ffi::OsStr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use guest_image::Arch;

/// Its program for a machine, and the package of Debian that has it.
pub fn program(arch: Arch) -> (&'static str, &'static str) {
    match arch {
        Arch::X86_64 => ("qemu-system-x86_64", "qemu-system-x86"),
        Arch::Aarch64 => ("qemu-system-aarch64", "qemu-system-arm"),
    }
}

/// Oldest version whose `microvm` machine takes vhost-user devices the way qvm attaches them, and
/// whose `max` processor of aarch64 has the properties that qvm sets.
pub const OLDEST: (u32, u32) = (7, 0);

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Qemu {
    /// It would not do on this system.
    Foreign,
    /// It was not needed.
    NotSought,
    /// Not in `PATH`.
    Absent,
    /// It runs.
    Found {
        /// Real path, outside every share.
        path: PathBuf,
        /// Major and minor version.
        version: (u32, u32),
    },
    /// Older than [`OLDEST`].
    TooOld {
        /// Where.
        path: PathBuf,
        /// Major and minor version.
        version: (u32, u32),
    },
    /// It cannot be started, or says something unknown.
    Broken {
        /// Where.
        path: PathBuf,
        /// What happened.
        why: String,
    },
}

impl Qemu {
    /// Looks for the program of `arch` through `path`, passing over relative directories and whatever really lies inside
    /// one of `shared`: a guest could have put a program there for the host to run.
    pub fn find(arch: Arch, path: &OsStr, shared: &[PathBuf]) -> Self {
        match search(program(arch).0, path, shared) {
            Some(path) => Self::ask(path),
            None => Self::Absent,
        }
    }

    /// Where it is, if it can be used.
    pub fn path(&self) -> Option<PathBuf> {
        match self {
            Self::Found { path, .. } => Some(path.clone()),
            _ => None,
        }
    }

    /// Asks a program for its version.
    fn ask(path: PathBuf) -> Self {
        let output = Command::new(&path)
            .arg("--version")
            .env_clear()
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output();
        let text = match output {
            Ok(output) => String::from_utf8_lossy(&output.stdout).into_owned(),
            Err(e) => {
                return Self::Broken { path, why: e.to_string() };
            }
        };
        match parse_version(&text) {
            Some(version) if version >= OLDEST => Self::Found { path, version },
            Some(version) => Self::TooOld { path, version },
            None => Self::Broken { path, why: "unknown answer to --version".into() },
        }
    }
}

/// The first executable of that name, by its real path.
fn search(program: &str, path: &OsStr, shared: &[PathBuf]) -> Option<PathBuf> {
    let outside = |real: &Path| !shared.iter().any(|dir| real.starts_with(dir));
    let usable = |dir: PathBuf| {
        let real = dir.join(program).canonicalize().ok()?;
        let executable = rustix::fs::access(&real, rustix::fs::Access::EXEC_OK).is_ok();
        (real.is_file() && executable && outside(&real)).then_some(real)
    };
    env::split_paths(path).filter(|dir| dir.is_absolute()).find_map(usable)
}

/// `QEMU emulator version 7.2.22 (Debian …)`.
fn parse_version(text: &str) -> Option<(u32, u32)> {
    let rest = text.lines().next()?.strip_prefix("QEMU emulator version ")?;
    let mut parts = rest.split(|c: char| !c.is_ascii_digit());
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
#[path = "qemu_test.rs"]
mod tests;
