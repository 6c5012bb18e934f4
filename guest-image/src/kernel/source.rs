//! Fetches the kernel's source as a package of Debian.
//!
//! apt gets a directory of its own, with the archive that this machine's apt uses and the release
//! of the recipe, whatever release the machine itself is. It verifies signatures with Debian's
//! keyring.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::debian::{KEYRING, Mirror, SourcesError, apt_settings};
use crate::files::{FileError, failed};
use crate::program::{self, ProgramError};
use crate::{Phase, Progress};

/// No source.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// No mirror.
    #[error(transparent)]
    Sources(#[from] SourcesError),
    /// apt or dpkg failed.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// The package is another than expected.
    #[error("Debian's package {0} holds no usr/src/{0}.tar.xz")]
    NoArchive(String),
    /// apt cannot be told of this path.
    #[error("apt cannot work in {}: set QVM_CACHE to a path without quotes and line ends", .0.display())]
    Path(PathBuf),
    /// A file operation failed.
    #[error(transparent)]
    File(#[from] FileError),
}

/// Fetches a package with the source in `usr/src`; answers with that and the package's version.
pub fn fetch(
    package: &str,
    suite: &str,
    debian_arch: &str,
    work: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<(PathBuf, String), SourceError> {
    progress(Progress::start(Phase::Index));
    let apt = prepare(suite, debian_arch, work)?;
    // A list that cannot be fetched is an error, not a warning.
    let update = ["-qq", "-o", "APT::Update::Error-Mode=any", "update"];
    program::run("apt-get", command("apt-get", work).env("APT_CONFIG", &apt).args(update), work)?;
    progress(Progress::start(Phase::Source));
    let download = ["-qq", "download", package];
    program::run("apt-get", command("apt-get", work).env("APT_CONFIG", &apt).args(download), work)?;
    let deb = downloaded(package, work)?;
    let said = program::output(
        "dpkg-deb",
        command("dpkg-deb", work).arg("-f").arg(&deb).arg("Version"),
        work,
    )?;
    program::run("dpkg-deb", command("dpkg-deb", work).arg("-x").arg(&deb).arg("package"), work)?;
    remove(&deb)?;
    let archive = work.join("package/usr/src").join(format!("{package}.tar.xz"));
    if !archive.is_file() {
        return Err(SourceError::NoArchive(package.to_owned()));
    }
    Ok((archive, said.trim().to_owned()))
}

/// A directory for apt alone; answers with the path of its configuration.
fn prepare(suite: &str, debian_arch: &str, work: &Path) -> Result<PathBuf, SourceError> {
    let root = work.join("apt");
    for name in
        ["etc/apt.conf.d", "etc/preferences.d", "state/lists/partial", "cache/archives/partial"]
    {
        let path = root.join(name);
        fs::create_dir_all(&path).map_err(failed("make", &path))?;
    }
    let lines: Vec<String> =
        Mirror::of_this_machine()?.lines(suite).iter().map(|line| signed(line)).collect();
    let text = root
        .to_str()
        .filter(|text| !text.contains(|c: char| c == '"' || c.is_control()))
        .ok_or_else(|| SourceError::Path(root.clone()))?;
    let conf = configuration(text, debian_arch, &apt_settings());
    for (name, content) in [
        ("etc/sources.list", lines.join("\n") + "\n"),
        ("status", String::new()),
        ("apt.conf", conf),
    ] {
        let path = root.join(name);
        fs::write(&path, content).map_err(failed("write", &path))?;
    }
    Ok(root.join("apt.conf"))
}

/// A line of sources.list whose archive must be signed by Debian.
fn signed(line: &str) -> String {
    line.replacen("deb ", &format!("deb [signed-by={KEYRING}] "), 1)
}

fn configuration(root: &str, debian_arch: &str, settings: &[String]) -> String {
    let mut lines = vec![
        format!("Dir \"{root}\";"),
        "Dir::Etc \"etc\";".to_owned(),
        "Dir::State \"state\";".to_owned(),
        format!("Dir::State::status \"{root}/status\";"),
        "Dir::Cache \"cache\";".to_owned(),
        format!("APT::Architecture \"{debian_arch}\";"),
        format!("APT::Architectures \"{debian_arch}\";"),
        "Acquire::Languages \"none\";".to_owned(),
        // Its own user may not enter the cache.
        "APT::Sandbox::User \"root\";".to_owned(),
    ];
    lines.extend(settings.iter().cloned());
    lines.join("\n") + "\n"
}

/// The file that apt brought.
fn downloaded(package: &str, work: &Path) -> Result<PathBuf, SourceError> {
    let start = format!("{package}_");
    for entry in fs::read_dir(work).map_err(failed("read", work))? {
        let path = entry.map_err(failed("read", work))?.path();
        let named = path.file_name().and_then(|name| name.to_str());
        if named.is_some_and(|name| name.starts_with(&start) && name.ends_with(".deb")) {
            return Ok(path);
        }
    }
    Err(SourceError::NoArchive(package.to_owned()))
}

fn command(name: &str, work: &Path) -> Command {
    let mut command = program::clean(name);
    command.current_dir(work);
    command
}

fn remove(path: &Path) -> Result<(), FileError> {
    fs::remove_file(path).map_err(failed("remove", path))
}

#[cfg(test)]
#[path = "source_test.rs"]
mod tests;
