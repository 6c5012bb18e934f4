//! Whether a file can be booted as a kernel by qvm's machines, before one of them tries.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::elf::{Refusal, inspect};
use super::embedded::unpack;
use super::options::Options;

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
    /// Not ELF.
    #[error("{} is no kernel that can be booted: {found}, where an uncompressed ELF file (vmlinux) is needed", path.display())]
    NotElf {
        /// The file.
        path: PathBuf,
        /// What it is.
        found: &'static str,
    },
    /// An ELF file that contradicts itself.
    #[error("the kernel {} is damaged: {what}", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: &'static str,
    },
    /// For another machine.
    #[error("the kernel {} is for {found}, and this machine is {wanted}", path.display())]
    Machine {
        /// The file.
        path: PathBuf,
        /// What it is for.
        found: String,
        /// What this is.
        wanted: &'static str,
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

/// Makes sure that this machine can boot a file and that it has what qvm needs, as far as it
/// tells: a kernel without `CONFIG_IKCONFIG` is believed.
///
/// # Errors
/// [`KernelFileError`].
pub fn check_kernel_file(path: &Path) -> Result<(), KernelFileError> {
    let arch = std::env::consts::ARCH;
    let owned = || path.to_owned();
    let read = |source| KernelFileError::Read { path: owned(), source };
    let mut file = File::open(path).map_err(read)?;
    if !file.metadata().map_err(read)?.is_file() {
        return Err(read(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")));
    }
    let packed = inspect(&mut file, arch).map_err(|refusal| match refusal {
        Refusal::Io(source) => read(source),
        Refusal::NotElf(found) => KernelFileError::NotElf { path: owned(), found },
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
    let missing = Options::parse(&text).missing(arch);
    if missing.is_empty() {
        return Ok(());
    }
    Err(KernelFileError::Lacks { path: owned(), missing })
}

#[cfg(test)]
#[path = "file_test.rs"]
mod tests;
