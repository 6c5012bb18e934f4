//! Takes Debian's kernel package apart.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::arm64_image::{self, Arm64ImageError};
use crate::bzimage::{BzImageError, Compression, MAX_KERNEL};
use crate::cpio::{Archive, CpioError};
use crate::files::{FileError, failed};
use crate::{Arch, ModulesError, Recipe, files, load_order, payload};

/// Longest module and longest table of modules, in bytes. The longest seen has 3 MB.
const MAX_MODULE: u64 = 64 << 20;

/// The kernel's package is not what is expected.
#[derive(Debug, thiserror::Error)]
pub enum KernelError {
    /// A file operation failed.
    #[error(transparent)]
    File(#[from] FileError),
    /// There is not exactly one kernel in it.
    #[error("Debian's kernel package holds no kernel, or more than one")]
    NoKernel,
    /// The kernel is of an unknown form.
    #[error(transparent)]
    BzImage(#[from] BzImageError),
    /// The same, on arm64.
    #[error(transparent)]
    Arm64Image(#[from] Arm64ImageError),
    /// The modules are not those wanted.
    #[error(transparent)]
    Modules(#[from] ModulesError),
    /// The modules do not fit.
    #[error(transparent)]
    Cpio(#[from] CpioError),
    /// A program failed.
    #[error("{program} cannot unpack {}", path.display())]
    Unpack {
        /// Its name.
        program: &'static str,
        /// What it was given.
        path: PathBuf,
    },
}

/// Puts `vmlinux`, `vmlinuz` and `modules.cpio` into `into`; answers with the kernel's version.
pub fn take_apart(
    recipe: &Recipe,
    package: &Path,
    modules_dep: &Path,
    work: &Path,
    into: &Path,
) -> Result<String, KernelError> {
    let tree = work.join("kernel");
    let unpacked =
        Command::new("dpkg-deb").arg("-x").arg(package).arg(&tree).stdin(Stdio::null()).status();
    if !unpacked.is_ok_and(|status| status.success()) {
        return Err(KernelError::Unpack { program: "dpkg-deb", path: package.to_owned() });
    }
    let (vmlinuz, version) = find_kernel(&tree.join("boot"))?;
    let kept = into.join(files::VMLINUZ);
    fs::rename(&vmlinuz, &kept).map_err(failed("move", &vmlinuz))?;
    write_vmlinux(recipe.arch, &kept, work, &into.join(files::VMLINUX))?;

    let modules = tree.join("usr/lib/modules").join(&version);
    let dep = read(modules_dep)?;
    let builtin = read(&modules.join("modules.builtin"))?;
    let order = load_order(
        &String::from_utf8_lossy(&dep),
        &String::from_utf8_lossy(&builtin),
        &recipe.modules,
    )?;
    let path = into.join(files::MODULES);
    fs::write(&path, archive(&modules, &order)?).map_err(failed("write", &path))?;
    Ok(version)
}

fn find_kernel(boot: &Path) -> Result<(PathBuf, String), KernelError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(boot).map_err(failed("read", boot))? {
        let entry = entry.map_err(failed("read", boot))?;
        if let Some(version) =
            entry.file_name().to_str().and_then(|name| name.strip_prefix("vmlinuz-"))
        {
            found.push((entry.path(), version.to_owned()));
        }
    }
    match (found.pop(), found.pop()) {
        (Some(kernel), None) => Ok(kernel),
        _ => Err(KernelError::NoKernel),
    }
}

/// Writes the kernel without compression, so that no boot spends time on it.
fn write_vmlinux(arch: Arch, vmlinuz: &Path, work: &Path, to: &Path) -> Result<(), KernelError> {
    let image =
        files::read_limited(vmlinuz, u64::from(MAX_KERNEL)).map_err(failed("read", vmlinuz))?;
    let kernel = match arch {
        Arch::X86_64 => {
            let payload = payload(&image)?;
            let length = u64::from(payload.length);
            let kernel = unpacked(payload.bytes, payload.compression, length, work)?;
            if kernel.len() as u64 != length || !kernel.starts_with(b"\x7fELF") {
                return Err(BzImageError::Truncated.into());
            }
            kernel
        }
        Arch::Aarch64 => {
            let (bytes, compression) = arm64_image::contained(&image)?;
            let kernel = unpacked(bytes, compression, u64::from(MAX_KERNEL), work)?;
            arm64_image::check(&kernel)?;
            kernel
        }
    };
    Ok(fs::write(to, kernel).map_err(failed("write", to))?)
}

/// What comes out of a compressed part of a kernel, at most `limit` bytes.
fn unpacked(
    bytes: &[u8],
    compression: Compression,
    limit: u64,
    work: &Path,
) -> Result<Vec<u8>, KernelError> {
    if compression == Compression::None {
        return Ok(bytes.to_vec());
    }
    let path = work.join("payload");
    fs::write(&path, bytes).map_err(failed("write", &path))?;
    unpack(program(compression), &path, limit)
}

/// `/modules/NAME.ko` for each, uncompressed, and `/modules/load`, which lists the names.
fn archive(tree: &Path, order: &[String]) -> Result<Vec<u8>, KernelError> {
    let mut archive = Archive::new();
    archive.directory("modules", 0o755)?;
    let mut load = String::new();
    for module in order {
        let path = tree.join(module);
        let content = match path.extension().and_then(|e| e.to_str()) {
            Some("xz") => unpack("xz", &path, MAX_MODULE)?,
            Some("zst") => unpack("zstd", &path, MAX_MODULE)?,
            Some("gz") => unpack("gzip", &path, MAX_MODULE)?,
            _ => read(&path)?,
        };
        let file = module.rsplit('/').next().unwrap_or(module);
        let name = file.split_once(".ko").map_or(file, |(stem, _)| stem);
        archive.file(&format!("modules/{name}.ko"), 0o644, &content)?;
        load.push_str(name);
        load.push_str(".ko\n");
    }
    archive.file("modules/load", 0o644, load.as_bytes())?;
    Ok(archive.finish()?)
}

fn program(compression: Compression) -> &'static str {
    match compression {
        Compression::Zstd => "zstd",
        Compression::Xz => "xz",
        Compression::Gzip | Compression::None => "gzip",
    }
}

/// What `program -dc` makes of a file, if it is at most `limit` bytes.
fn unpack(program: &'static str, path: &Path, limit: u64) -> Result<Vec<u8>, KernelError> {
    let damaged = || KernelError::Unpack { program, path: path.to_owned() };
    let input = File::open(path).map_err(failed("read", path))?;
    let mut child = Command::new(program)
        .arg("-dc")
        .stdin(Stdio::from(input))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(failed("start the program that unpacks", path))?;
    let mut bytes = Vec::new();
    let read = match child.stdout.take() {
        Some(output) => output.take(limit.saturating_add(1)).read_to_end(&mut bytes),
        None => Ok(0),
    };
    // Its output is closed by now, so that one that would write for ever ends too.
    let status = child.wait().map_err(failed("unpack", path))?;
    read.map_err(failed("unpack", path))?;
    if !status.success() || bytes.len() as u64 > limit {
        return Err(damaged());
    }
    Ok(bytes)
}

fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    files::read_limited(path, MAX_MODULE).map_err(failed("read", path))
}

#[cfg(test)]
#[path = "kernel_test.rs"]
mod tests;
