//! Changes `models.toml` and leaves the user's comments, order and spacing alone.
//!
//! A model is a table of its own, so adding appends lines, removing cuts lines out, and the
//! default is one line. Each result is parsed again and compared with what was wanted: a file
//! written in a form that this cannot change is refused, never damaged.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::config::{self, ConfigError, Models};
use crate::profile::{GpuLayers, Id, Profile};

/// Why the file was not changed.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// It is wrong as it is.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The id is taken.
    #[error("there is a model {0} already; `qvm models rm {0}` removes it")]
    Taken(Id),
    /// No such id.
    #[error("there is no model {0}")]
    Unknown(Id),
    /// It is written in another form than one table a model.
    #[error("{} is written in a form that qvm does not change; edit it by hand", .0.display())]
    Form(PathBuf),
    /// It cannot be written.
    #[error("cannot write {}", .0.display())]
    Write(PathBuf, #[source] io::Error),
}

/// The text with a model more.
///
/// # Errors
/// [`EditError::Config`], [`EditError::Taken`], [`EditError::Form`].
pub fn add(text: &str, profile: &Profile, file: &Path) -> Result<String, EditError> {
    let mut wanted = config::parse(text, file)?;
    if wanted.get(profile.id.as_str()).is_some() {
        return Err(EditError::Taken(profile.id.clone()));
    }
    let mut new = text.to_owned();
    if !new.is_empty() {
        let gap = if new.ends_with('\n') { "\n" } else { "\n\n" };
        new.push_str(gap);
    }
    new.push_str(&table(profile));
    wanted.profiles.push(profile.clone());
    checked(new, &wanted, file)
}

/// The text without a model. If it was the default, nothing is the default any more.
///
/// # Errors
/// [`EditError::Config`], [`EditError::Unknown`], [`EditError::Form`].
pub fn remove(text: &str, id: &Id, file: &Path) -> Result<String, EditError> {
    let mut wanted = config::parse(text, file)?;
    if wanted.get(id.as_str()).is_none() {
        return Err(EditError::Unknown(id.clone()));
    }
    wanted.profiles.retain(|profile| profile.id != *id);
    let was_default = wanted.default.as_ref() == Some(id);
    if was_default {
        wanted.default = None;
    }
    let mut new = String::with_capacity(text.len());
    let (mut inside, mut top) = (false, true);
    // Blank lines and comments before a table are about that table.
    let mut held: Vec<&str> = Vec::new();
    for line in text.split_inclusive('\n') {
        let bare = line.trim();
        if bare.is_empty() || bare.starts_with('#') {
            held.push(line);
            continue;
        }
        if bare.starts_with('[') {
            let now = belongs(bare, id);
            if now && !inside {
                // Its own comments go with it, up to the blank line above them.
                let keep = held.iter().rposition(|line| line.trim().is_empty());
                held.truncate(keep.map_or(0, |at| at + 1));
                new.extend(held.drain(..));
            } else if !now && inside {
                drop_tail(&mut held, &new);
            }
            (inside, top) = (now, false);
        }
        if inside {
            held.clear();
        } else if !(top && was_default && key(bare) == Some("default")) {
            new.extend(held.drain(..));
            new.push_str(line);
        }
    }
    if inside {
        drop_tail(&mut held, &new);
    }
    new.extend(held);
    // Of the blank lines before and after the hole one is enough.
    while new.ends_with("\n\n") {
        new.pop();
    }
    checked(new, &wanted, file)
}

/// The text with another default.
///
/// # Errors
/// [`EditError::Config`], [`EditError::Unknown`], [`EditError::Form`].
pub fn set_default(text: &str, id: &Id, file: &Path) -> Result<String, EditError> {
    let mut wanted = config::parse(text, file)?;
    if wanted.get(id.as_str()).is_none() {
        return Err(EditError::Unknown(id.clone()));
    }
    let had = wanted.default.replace(id.clone()).is_some();
    let line = format!("default = \"{id}\"\n");
    if !had {
        return checked(line + if text.is_empty() { "" } else { "\n" } + text, &wanted, file);
    }
    let mut new = String::with_capacity(text.len());
    let mut done = false;
    for old in text.split_inclusive('\n') {
        if !done && key(old.trim()) == Some("default") {
            new.push_str(&line);
            done = true;
        } else {
            new.push_str(old);
        }
    }
    checked(new, &wanted, file)
}

/// Writes the file in one step: a reader sees the old or the new one. Its mode stays; a link
/// stays a link.
///
/// # Errors
/// [`EditError::Write`].
pub fn write(path: &Path, text: &str) -> Result<(), EditError> {
    let failed = |e| EditError::Write(path.into(), e);
    let real = path.canonicalize().unwrap_or_else(|_| path.into());
    let folder = real.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(folder).map_err(failed)?;
    let mode = fs::metadata(&real).map_or(0o644, |about| about.permissions().mode() & 0o7777);
    let temporary = folder.join(format!(".models.toml.{}", std::process::id()));
    let replace = || {
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(mode).open(&temporary)?;
        file.write_all(text.as_bytes())?;
        file.set_permissions(Permissions::from_mode(mode))?;
        file.sync_all()?;
        fs::rename(&temporary, &real)
    };
    replace().map_err(|e| {
        // What is left of the attempt; the error that counts is the first.
        let _ = fs::remove_file(&temporary);
        failed(e)
    })
}

/// Whether a text says what was wanted.
fn checked(text: String, wanted: &Models, file: &Path) -> Result<String, EditError> {
    match config::parse(&text, file) {
        Ok(models) if models == *wanted => Ok(text),
        _ => Err(EditError::Form(file.into())),
    }
}

/// Drops the comments right below a table, up to the blank line after them; that one too where a
/// blank line ends what comes before.
fn drop_tail(held: &mut Vec<&str>, before: &str) {
    if let Some(blank) = held.iter().position(|line| line.trim().is_empty()) {
        let twice = before.is_empty() || before.ends_with("\n\n");
        held.drain(..blank + usize::from(twice));
    }
}

/// Whether a header is of the model's table or of one within it.
fn belongs(header: &str, id: &Id) -> bool {
    let Some(inner) = header.trim_start_matches('[').split(']').next() else { return false };
    let Some(rest) = inner.trim().strip_prefix("models") else { return false };
    let Some(rest) = rest.trim_start().strip_prefix('.') else { return false };
    let rest = rest.trim_start();
    let forms = [format!("\"{id}\""), format!("'{id}'"), id.to_string()];
    forms.iter().enumerate().any(|(index, form)| {
        // A bare key has no dots: `a.b` is a table within another.
        let bare = index < 2 || !form.contains('.');
        rest.strip_prefix(form.as_str()).is_some_and(|after| {
            bare && (after.trim().is_empty() || after.trim_start().starts_with('.'))
        })
    })
}

/// The key of a line.
fn key(line: &str) -> Option<&str> {
    line.split_once('=').map(|(key, _)| key.trim())
}

/// A model as a table; what is as by default is left out.
#[must_use]
pub fn table(profile: &Profile) -> String {
    let id = profile.id.as_str();
    let header = if id.contains('.') { format!("\"{id}\"") } else { id.to_owned() };
    let mut text = format!("[models.{header}]\nmodel = {}\n", quoted(&profile.model.to_string()));
    let mut line = |key: &str, value: Option<String>| {
        if let Some(value) = value {
            text.push_str(&format!("{key} = {value}\n"));
        }
    };
    line("name", profile.name.as_deref().map(quoted));
    line("description", profile.description.as_deref().map(quoted));
    line("speed", profile.speed.as_deref().map(quoted));
    line("context", profile.context.map(|n| n.to_string()));
    if let GpuLayers::Count(count) = profile.gpu_layers {
        line("gpu_layers", Some(count.to_string()));
    }
    line("fit", (!profile.fit).then(|| "false".to_owned()));
    line("fit_target", profile.fit_target.map(|n| n.to_string()));
    line("parallel", profile.parallel.map(|n| n.to_string()));
    line("cache_ram", profile.cache_ram.map(|n| n.to_string()));
    let sampling = profile.sampling.pairs();
    if !sampling.is_empty() {
        let pairs: Vec<_> =
            sampling.iter().map(|(key, value)| format!("{key} = {value}")).collect();
        line("sampling", Some(format!("{{ {} }}", pairs.join(", "))));
    }
    line("mmproj", profile.mmproj.as_ref().map(|source| quoted(&source.to_string())));
    if !profile.args.is_empty() {
        let args: Vec<_> = profile.args.iter().map(|arg| quoted(arg)).collect();
        line("args", Some(format!("[{}]", args.join(", "))));
    }
    line("hidden", profile.hidden.then(|| "true".to_owned()));
    text
}

/// A string of TOML.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
#[path = "edit_test.rs"]
mod tests;
