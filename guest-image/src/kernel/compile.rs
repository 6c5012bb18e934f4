//! Configures and compiles an unpacked source.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;

use super::KernelRecipe;
use super::options::Options;
use crate::files::{FileError, failed};
use crate::program::{self, ProgramError};
use crate::{Arch, Phase, Progress, files};

/// What make tells of the default recipe, a line each: compiled, linked or made.
const EXPECTED: u64 = 2000;

/// No kernel came of the source.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// make or strip failed.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// This source cannot have the configuration.
    #[error("this source does not keep what its configuration asks for: {}", .0.join(", "))]
    Lost(Vec<String>),
    /// A file operation failed.
    #[error(transparent)]
    File(#[from] FileError),
}

/// Puts `vmlinux` and `config` into `into`; answers with the kernel's version.
pub fn compile(
    recipe: &KernelRecipe,
    tree: &Path,
    work: &Path,
    into: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<String, CompileError> {
    let (arch, target, image) = names(recipe.arch);
    let temporary = work.join("make");
    fs::create_dir(&temporary).map_err(failed("make", &temporary))?;
    let jobs = thread::available_parallelism().map_or(1, usize::from);
    let make = || {
        let mut command = program::clean("make");
        command.current_dir(tree).arg(format!("-j{jobs}")).arg(format!("ARCH={arch}"));
        // The same source is the same kernel, whoever makes it, when and where.
        command
            .env("KBUILD_BUILD_TIMESTAMP", &recipe.stamp)
            .env("KBUILD_BUILD_USER", "qvm")
            .env("KBUILD_BUILD_HOST", "qvm")
            .env("KBUILD_BUILD_VERSION", "1")
            .env("TMPDIR", &temporary);
        command
    };

    progress(Progress { phase: Phase::Compile, done: 0, total: EXPECTED });
    change(&recipe.patch, tree, work)?;
    let asked = tree.join("qvm.config");
    fs::write(&asked, &recipe.config).map_err(failed("write", &asked))?;
    // Whatever is not asked for is off.
    let mut configure = make();
    configure.env("KCONFIG_ALLCONFIG", "qvm.config").arg("allnoconfig");
    program::run("make", &mut configure, work)?;
    let config = tree.join(".config");
    let text = fs::read_to_string(&config).map_err(failed("read", &config))?;
    let lost = Options::parse(&recipe.config).lost(&Options::parse(&text));
    if !lost.is_empty() {
        return Err(CompileError::Lost(lost));
    }

    let mut done = 0;
    program::follow("make", make().arg(target), work, &mut |line| {
        if is_step(line) {
            done += 1;
            progress(Progress { phase: Phase::Compile, done, total: EXPECTED.max(done) });
        }
    })?;
    let release = tree.join("include/config/kernel.release");
    let version = fs::read_to_string(&release).map_err(failed("read", &release))?;
    let kernel = into.join(files::VMLINUX);
    copy(&tree.join(image), &kernel, work)?;
    let kept = into.join(files::CONFIG);
    fs::rename(&config, &kept).map_err(failed("move", &config))?;
    Ok(version.trim().to_owned())
}

/// Applies a patch, unless the source is that way already.
fn change(patch: &str, tree: &Path, work: &Path) -> Result<(), CompileError> {
    if patch.is_empty() {
        return Ok(());
    }
    let path = work.join("patch");
    fs::write(&path, patch).map_err(failed("write", &path))?;
    let command = |options: &[&str]| {
        let mut command = program::clean("patch");
        command.current_dir(tree).args(["-p1", "-f", "-i"]).arg(&path).args(options);
        command
    };
    if program::run("patch", &mut command(&["-R", "--dry-run"]), work).is_ok() {
        return Ok(());
    }
    Ok(program::run("patch", &mut command(&[]), work)?)
}

/// The kernel's names for a machine and for what boots there: an ELF file on x86_64, which is
/// entered by its PVH note, and the `Image` of arm64, which its boot protocol wants.
fn names(arch: Arch) -> (&'static str, &'static str, &'static str) {
    match arch {
        Arch::Aarch64 => ("arm64", "Image", "arch/arm64/boot/Image"),
        Arch::X86_64 => ("x86", "vmlinux", "vmlinux"),
    }
}

/// Copies what was made, without symbols: they would be loaded at every start. The kernel has
/// those it uses itself in a table of its own.
fn copy(from: &Path, to: &Path, work: &Path) -> Result<(), CompileError> {
    if from.ends_with("Image") {
        fs::copy(from, to).map_err(failed("copy", from))?;
        return Ok(());
    }
    let mut strip = Command::new("strip");
    strip.arg("--strip-all").arg("-o").arg(to).arg(from);
    Ok(program::run("strip", &mut strip, work)?)
}

/// `  CC      init/main.o`
fn is_step(line: &str) -> bool {
    line.strip_prefix("  ").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()))
}

#[cfg(test)]
#[path = "compile_test.rs"]
mod tests;
