//! Whether a file can be booted as a kernel by qvm's machines, before one of them tries.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::elf::{Refusal, inspect};
use super::embedded::unpack;
use super::options::Options;
use crate::Arch;

/// A file cannot be booted as a kernel.
#[derive(Debug, thiserror::Error)]
pub enum KernelFileError {
    /// It cannot be read.
    #[error("the kernel {} cannot be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// Not the kind of file that boots there.
    #[error("{} is no kernel that can be booted: {found}, where {wanted} is needed", path.display())]
    Kind {
        /// The file.
        path: PathBuf,
        /// What it is.
        found: &'static str,
        /// What it should be.
        wanted: &'static str,
    },
    /// A file that contradicts itself.
    #[error("the kernel {} is damaged: {what}", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: &'static str,
    },
    /// For another machine.
    #[error("the kernel {} is for {found}, and the machine is to be {wanted}: give one that was built for it", path.display())]
    Machine {
        /// The file.
        path: PathBuf,
        /// What it is for.
        found: String,
        /// What it should be for.
        wanted: Arch,
    },
    /// Without the options that qvm needs.
    #[error("the kernel {} lacks {}: build it with these, or use that of `qvm image kernel`", path.display(), missing.join(", "))]
    Lacks {
        /// The file.
        path: PathBuf,
        /// Lines of a configuration.
        missing: Vec<String>,
    },
}

/// Makes sure that a machine `arch` can boot a file and that it has what qvm needs, as far as it
/// tells: a kernel without `CONFIG_IKCONFIG` is believed.
///
/// # Errors
/// [`KernelFileError`].
pub fn check_kernel_file(path: &Path, arch: Arch) -> Result<(), KernelFileError> {
    let owned = || path.to_owned();
    let read = |source| KernelFileError::Read { path: owned(), source };
    let mut file = File::open(path).map_err(read)?;
    if !file.metadata().map_err(read)?.is_file() {
        return Err(read(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")));
    }
    let packed = inspect(&mut file, arch).map_err(|refusal| match refusal {
        Refusal::Io(source) => read(source),
        Refusal::Kind(found) => {
            KernelFileError::Kind { path: owned(), found, wanted: wanted(arch) }
        }
        Refusal::Corrupt(what) => KernelFileError::Corrupt { path: owned(), what },
        Refusal::Machine(found) => KernelFileError::Machine { path: owned(), found, wanted: arch },
        Refusal::NoEntry => {
            KernelFileError::Lacks { path: owned(), missing: vec!["CONFIG_PVH=y".to_owned()] }
        }
    })?;
    let Some(packed) = packed else {
        return Ok(());
    };
    let text = unpack(packed).map_err(read)?;
    let missing = Options::parse(&text).missing(arch.name());
    if missing.is_empty() {
        return Ok(());
    }
    Err(KernelFileError::Lacks { path: owned(), missing })
}

/// What kernels are on a machine.
fn wanted(arch: Arch) -> &'static str {
    match arch {
        Arch::X86_64 => "an uncompressed ELF file (vmlinux)",
        Arch::Aarch64 => "an uncompressed arm64 kernel (Image)",
    }
}

#[cfg(test)]
#[path = "file_test.rs"]
mod tests;
