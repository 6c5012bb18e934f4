//! The agent's binary, and the initramfs around it.

use std::env;
use std::path::{Path, PathBuf};

use crate::Arch;
use crate::cpio::{Archive, CpioError};

/// Name of the binary.
const NAME: &str = "guest-agent";

/// The agent is not there.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// Neither beside this program nor where packages put it.
    #[error(
        "the agent that runs in {arch} guests is missing (looked for {looked}): build it with ./scripts/build{}, \
         or set QVM_AGENT to its path", if *arch == Arch::HOST { String::new() } else { format!(" --arch {arch}") }
    )]
    Missing {
        /// Machines that it is for.
        arch: Arch,
        /// Paths that were tried, joined by commas.
        looked: String,
    },
    /// QVM_AGENT names no file.
    #[error("QVM_AGENT is {0}, which is no file: unset it, or set it to the agent's path")]
    Variable(PathBuf),
}

/// Finds the agent's binary for machines `arch`: where `QVM_AGENT` says, else beside this program,
/// else in `../libexec/qvm` from there; one for another machine than this is in a folder of the
/// machine's name in these places.
///
/// # Errors
/// See [`AgentError`].
pub fn locate(arch: Arch) -> Result<PathBuf, AgentError> {
    let exe = env::current_exe().ok();
    locate_from(arch, env::var_os("QVM_AGENT").map(PathBuf::from), exe.as_deref())
}

fn locate_from(
    arch: Arch,
    variable: Option<PathBuf>,
    exe: Option<&Path>,
) -> Result<PathBuf, AgentError> {
    if let Some(path) = variable.filter(|path| !path.as_os_str().is_empty()) {
        return if path.is_file() { Ok(path) } else { Err(AgentError::Variable(path)) };
    }
    let mut looked = Vec::new();
    if let Some(dir) = exe.and_then(Path::parent) {
        let own = if arch == Arch::HOST { "" } else { arch.name() };
        for path in [dir.to_owned(), dir.join("../libexec/qvm")] {
            let path = path.join(own).join(NAME);
            if path.is_file() {
                return Ok(path);
            }
            looked.push(path.display().to_string());
        }
    }
    Err(AgentError::Missing { arch, looked: looked.join(", ") })
}

/// The initramfs around an agent of `length` bytes, in two parts: what comes before the agent's
/// own bytes, and what comes after them at the next multiple of 4. So the agent goes from its file
/// to where it is needed without being copied in between.
///
/// The agent is `/init`; the rest are the directories and devices that a kernel and a PID 1 expect
/// before anything is mounted. The image's `modules.cpio` is meant to follow it.
///
/// # Errors
/// [`CpioError::TooLong`] for an agent over 4 GiB.
pub fn initramfs(length: u64) -> Result<(Vec<u8>, Vec<u8>), CpioError> {
    let mut archive = Archive::new();
    for directory in ["dev", "proc", "root", "sys"] {
        archive.directory(directory, 0o755)?;
    }
    // The kernel opens this one as PID 1's standard streams before devtmpfs is there.
    archive.character_device("dev/console", 0o600, 5, 1)?;
    archive.character_device("dev/null", 0o666, 1, 3)?;
    archive.file_head("init", 0o755, length)?;
    Ok((archive.part(), Archive::new().finish()?))
}

#[cfg(test)]
#[path = "agent_test.rs"]
mod tests;
