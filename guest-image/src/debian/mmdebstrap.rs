//! Runs mmdebstrap and follows what it says.

use std::env;
use std::fs::{self, File, Permissions};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::foreign::{self, Foreign};
use super::log::Log;
use super::{Mirror, ROOT_SPACE, leftovers};
use crate::{Progress, Recipe, program};

/// Where those work who are not root: mmdebstrap's user namespace has other users, who may not
/// enter a home directory.
const OPEN_TEMPORARY: &str = "/var/tmp";
/// Settings of apt here that say how to reach a mirror, and so hold for the new root as well.
const APT_SETTINGS: [&str; 4] =
    ["Acquire::http", "Acquire::https", "Acquire::Retries", "Acquire::ForceIPv"];

/// mmdebstrap made no root.
#[derive(Debug, thiserror::Error)]
pub enum MmdebstrapError {
    /// It cannot be started, or its directories cannot be made.
    #[error("cannot {action}")]
    Io {
        /// What was tried.
        action: String,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The disk has too little room.
    #[error("the root needs {} MB free in {path}, which has {} MB", ROOT_SPACE / 1_000_000, free / 1_000_000)]
    Space {
        /// Where.
        path: &'static str,
        /// Bytes free there.
        free: u64,
    },
    /// It failed.
    #[error("mmdebstrap failed: {said}{}", if said.contains("Failed to fetch") { "; check the network, or set QVM_DEBIAN_MIRROR" } else { "" })]
    Failed {
        /// The most telling line of its output.
        said: String,
        /// [`io::ErrorKind::StorageFull`] where it met a full disk.
        #[source]
        source: Option<io::Error>,
    },
}

/// Whether the root is made inside the cache; else in [`OPEN_TEMPORARY`].
pub fn works_in_cache() -> bool {
    rustix::process::geteuid().is_root()
}

/// What finishes the root of another machine before the recipe's script does.
const FOREIGN_HOOK: &str = include_str!("../../debian/foreign.sh");

/// Makes the root; `foreign` says how, where it is another machine's. The directory that comes back
/// holds what the recipe's script left.
pub fn run(
    recipe: &Recipe,
    foreign: Option<&Foreign>,
    mirror: &Mirror,
    work: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<PathBuf, MmdebstrapError> {
    let (temporary, open) = temporary(work)?;
    let namespace = foreign.is_some_and(Foreign::wants_namespace);
    let mut command = command(recipe, foreign, mirror, &temporary, work);
    if namespace {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
    }
    let mut child = command.spawn().map_err(|source| io_error("start mmdebstrap", source))?;
    // Where this fails, the child says more, and ends.
    let entered = if namespace { foreign::enter(&mut child) } else { Ok(()) };
    let mut log = Log::default();
    if let Some(output) = child.stderr.take() {
        let mut file =
            File::create(work.join("log")).map_err(|source| io_error("make a log file", source))?;
        let mut output = BufReader::new(output);
        let mut line = Vec::new();
        while output.read_until(b'\n', &mut line).unwrap_or(0) > 0 {
            // A full disk must not stop the reading: mmdebstrap would wait for us for ever.
            let _ = file.write_all(&line);
            if let Some(now) = log.line(String::from_utf8_lossy(&line).trim_end()) {
                progress(now);
            }
            line.clear();
        }
    }
    let status = child.wait().map_err(|source| io_error("wait for mmdebstrap", source))?;
    entered.map_err(|source| io_error("enter a user namespace", source))?;
    if let Some(open) = open {
        leftovers::remove(open.path());
    }
    if !status.success() {
        return Err(MmdebstrapError::Failed { said: log.telling(), source: log.full_disk() });
    }
    Ok(work.join("qvm-out"))
}

/// The directory to work in, and its owner where it is not `work` itself.
fn temporary(work: &Path) -> Result<(PathBuf, Option<TempDir>), MmdebstrapError> {
    if works_in_cache() {
        return Ok((work.to_owned(), None));
    }
    let stat = rustix::fs::statvfs(OPEN_TEMPORARY)
        .map_err(|e| io_error(&format!("measure {OPEN_TEMPORARY}"), e.into()))?;
    let free = stat.f_bavail.saturating_mul(stat.f_frsize);
    if free < ROOT_SPACE {
        return Err(MmdebstrapError::Space { path: OPEN_TEMPORARY, free });
    }
    let make = || -> io::Result<TempDir> {
        let dir = tempfile::Builder::new().prefix(leftovers::PREFIX).tempdir_in(OPEN_TEMPORARY)?;
        fs::set_permissions(dir.path(), Permissions::from_mode(0o755))?;
        leftovers::remember(work, dir.path())?;
        Ok(dir)
    };
    let dir = make()
        .map_err(|source| io_error(&format!("make a directory in {OPEN_TEMPORARY}"), source))?;
    Ok((dir.path().to_owned(), Some(dir)))
}

fn command(
    recipe: &Recipe,
    foreign: Option<&Foreign>,
    mirror: &Mirror,
    temporary: &Path,
    work: &Path,
) -> Command {
    let mut command = if foreign.is_some_and(Foreign::wants_namespace) {
        let mut command = foreign::namespace();
        command.arg("mmdebstrap");
        command
    } else if works_in_cache() {
        // As root, mmdebstrap mounts for real: in a mount namespace of its own nothing of that
        // outlives it, however it ends.
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation", "private", "--", "mmdebstrap"]);
        command
    } else {
        Command::new("mmdebstrap")
    };
    program::clear(&mut command);
    let user = ["USER", "LOGNAME"];
    command
        .envs(user.iter().filter_map(|name| Some((name, env::var_os(name)?))))
        .env("TMPDIR", temporary)
        .env("QVM_KERNEL", &recipe.kernel)
        .env("QVM_EPOCH", recipe.epoch.to_string())
        .env("QVM_UUID", recipe.digest().uuid())
        .env("SOURCE_DATE_EPOCH", recipe.epoch.to_string());
    command.args(["--format=null", "--verbose"]);
    // The recipe's script has tidied already, and the root goes away.
    command.arg("--skip=cleanup");
    command.arg(format!("--architectures={}", recipe.arch.debian()));
    command.args(apt_settings().into_iter().map(|setting| format!("--aptopt={setting}")));
    command.args(recipe.dpkg_options.iter().map(|option| format!("--dpkgopt={option}")));
    // Scripts themselves are arguments, so that they need not lie where the namespace's users
    // may read them; nothing is put into their text.
    let last = match foreign {
        None => {
            command.args(["--mode=auto", "--variant=minbase"]);
            command.arg(format!("--include={}", recipe.packages.join(",")));
            "customize"
        }
        Some(foreign) => {
            let mode = if foreign.wants_namespace() { "unshare" } else { "auto" };
            command.arg(format!("--mode={mode}"));
            command.args(["--variant=extract", "--skip=check/qemu", "--include=?essential"]);
            // With those the same packages as of "minbase".
            let more = format!("apt ?priority(required) {}", recipe.packages.join(" "));
            command.env("QVM_PACKAGES", more);
            command.arg(format!("--setup-hook={}", foreign.hook()));
            command.arg(format!("--extract-hook={FOREIGN_HOOK}"));
            command.envs(foreign.variables(recipe.arch));
            "extract"
        }
    };
    command.arg(format!("--{last}-hook={}", recipe.customize));
    command.arg(format!("--{last}-hook=copy-out /qvm-out {}", shell_word(work)));
    command.arg(&recipe.suite).arg("-").args(mirror.lines(&recipe.suite));
    // mmdebstrap starts elsewhere than in a directory that its users may not enter.
    command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

/// A word that Text::ParseWords reads as the path, whatever is in it.
fn shell_word(path: &Path) -> String {
    let mut word = String::new();
    for c in path.display().to_string().chars() {
        if !c.is_ascii_alphanumeric() && !"/._-".contains(c) {
            word.push('\\');
        }
        word.push(c);
    }
    word
}

/// Settings of apt here that hold elsewhere too: see [`APT_SETTINGS`].
pub fn apt_settings() -> Vec<String> {
    let output =
        Command::new("apt-config").arg("dump").stdin(Stdio::null()).stderr(Stdio::null()).output();
    let text = output.map(|o| String::from_utf8_lossy(&o.stdout).into_owned()).unwrap_or_default();
    kept_settings(&text)
}

/// Lines `Name "value";` of apt's configuration that [`APT_SETTINGS`] names.
fn kept_settings(dump: &str) -> Vec<String> {
    let wanted = |line: &&str| {
        APT_SETTINGS.iter().any(|name| line.starts_with(name)) && !line.ends_with(" \"\";")
    };
    dump.lines().filter(wanted).map(str::to_owned).collect()
}

fn io_error(action: &str, source: io::Error) -> MmdebstrapError {
    MmdebstrapError::Io { action: action.to_owned(), source }
}

#[cfg(test)]
#[path = "mmdebstrap_test.rs"]
mod tests;
