//! Store paths: which ones something needs, where they lie, and a tree of exactly these.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use super::run::Task;
use super::{Nix, NixError};
use crate::files::{FileError, failed};

/// Longest time that the store's database may take.
const PATIENCE: Duration = Duration::from_secs(300);

/// Most bytes that Nix may say about store paths or settings.
const LIMIT: usize = 64 << 20;

/// Where the store is in the guest, and on nearly every machine.
const STORE: &str = "/nix/store";

/// A store path and its size.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct StorePath {
    /// `/nix/store/HASH-NAME`.
    pub path: PathBuf,
    /// Bytes of its files.
    pub size: u64,
}

/// All that `root`, a link or a store path, needs at run time, sorted; itself among them.
pub fn closure(nix: &Nix, root: &Path, log: &Path) -> Result<Vec<StorePath>, NixError> {
    let doing = "asking Nix for a closure";
    let task = Task { doing, limit: LIMIT, patience: Some(PATIENCE), log: Some(log) };
    let words: [&OsStr; 4] =
        ["path-info".as_ref(), "--recursive".as_ref(), "--size".as_ref(), root.as_os_str()];
    let said = nix.run(&words, &task)?;
    let garbage = |line: &str| NixError::Garbage { doing, what: format!("{line:?}") };
    let text = String::from_utf8(said).map_err(|_| garbage("no text"))?;
    let mut all: Vec<StorePath> = text
        .lines()
        .map(|line| parse(line).ok_or_else(|| garbage(line)))
        .collect::<Result<_, _>>()?;
    all.sort_unstable();
    all.dedup();
    Ok(all)
}

/// `/nix/store/HASH-NAME   1234`.
fn parse(line: &str) -> Option<StorePath> {
    let mut words = line.split_whitespace();
    let (path, size) = (Path::new(words.next()?), words.next()?.parse().ok()?);
    let name = path.strip_prefix(STORE).ok()?;
    let one = matches!(name.components().collect::<Vec<_>>().as_slice(), [Component::Normal(_)]);
    (one && words.next().is_none()).then(|| StorePath { path: path.to_owned(), size })
}

/// Where a store path lies: where it says, or in the folder that Nix is set up to see as the root.
pub fn on_disk(nix: &Nix, path: &Path) -> Result<PathBuf, NixError> {
    let elsewhere = || NixError::Elsewhere(path.to_owned());
    let below = path.strip_prefix("/").map_err(|_| elsewhere())?;
    if !path.starts_with(STORE) || path.components().any(|part| part == Component::ParentDir) {
        return Err(elsewhere());
    }
    if path.exists() {
        return Ok(path.to_owned());
    }
    let doing = "asking Nix for its store";
    let task = Task { doing, limit: LIMIT, patience: Some(PATIENCE), log: None };
    let said = nix.run(&["show-config", "--json"].map(OsStr::new), &task)?;
    let settings: serde_json::Value = serde_json::from_slice(&said)
        .map_err(|e| NixError::Garbage { doing, what: e.to_string() })?;
    let set = settings.pointer("/store/value").and_then(|value| value.as_str());
    let home = std::env::var_os("XDG_DATA_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".local/share")));
    let roots = [set.and_then(root_of), home.map(|home| home.join("nix/root"))];
    let mut places = roots.into_iter().flatten().map(|root| root.join(below));
    places.find(|place| place.exists()).ok_or_else(elsewhere)
}

/// The root of a store by its URL: `/home/me/store`, `local?root=/home/me/store`.
fn root_of(url: &str) -> Option<PathBuf> {
    let (place, options) = url.split_once('?').unwrap_or((url, ""));
    let option = options.split('&').find_map(|option| option.strip_prefix("root="));
    let root = option.unwrap_or_else(|| place.strip_prefix("local://").unwrap_or(place));
    root.starts_with('/').then(|| PathBuf::from(root))
}

/// Puts `from`, a store path on this disk, into `to`. Files are the store's own by a second name
/// where the file system and the system's rules allow it, else copies, which share their blocks
/// where they can. Only folders are made anew, so that they can be removed again.
pub fn bring(from: &Path, to: &Path) -> Result<(), FileError> {
    let meta = fs::symlink_metadata(from).map_err(failed("look at", from))?;
    if meta.is_symlink() {
        let target = fs::read_link(from).map_err(failed("read", from))?;
        return symlink(target, to).map_err(failed("make", to));
    }
    if meta.is_file() {
        return fs::hard_link(from, to)
            .or_else(|_| fs::copy(from, to).map(drop))
            .map_err(failed("copy", from));
    }
    if !meta.is_dir() {
        let source = io::Error::new(io::ErrorKind::InvalidData, "no store has such a file");
        return Err(failed("copy", from)(source));
    }
    fs::create_dir(to).map_err(failed("make", to))?;
    fs::set_permissions(to, fs::Permissions::from_mode(0o755)).map_err(failed("change", to))?;
    for entry in fs::read_dir(from).map_err(failed("read", from))? {
        let name = entry.map_err(failed("read", from))?.file_name();
        bring(&from.join(&name), &to.join(&name))?;
    }
    Ok(())
}

#[cfg(test)]
#[path = "closure_test.rs"]
mod tests;
