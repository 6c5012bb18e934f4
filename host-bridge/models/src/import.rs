//! Reads the `models.conf` of claude-local and its relatives.
//!
//! ```text
//! [id]                       # `bench-…`: hidden
//! NAME=Qwen3 Coder
//! MODEL=/models/x.gguf       # or org/repo:file.gguf
//! CTX_SIZE=65536
//! N_GPU_LAYERS=99            # becomes "auto": the number would keep --fit from its work
//! FIT=on
//! EXTRA_ARGS=--temp 0.7 --chat-template-kwargs '{"enable_thinking":false}'
//! ```

use crate::profile::{GpuLayers, Id, Profile, check_args};
use crate::source::Source;
use crate::{config, units, words};

/// Layers from which on "all of them" is meant.
const ALL_LAYERS: u32 = 99;

/// Why the file was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {message}")]
pub struct ImportError {
    /// Name of the file, as the caller gave it.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
}

/// What was read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Imported {
    /// The models, in the order of the file.
    pub profiles: Vec<Profile>,
    /// What was changed or left out, a line each, with the line's number.
    pub notes: Vec<String>,
}

/// A section before its model is known.
struct Section {
    id: Id,
    line: usize,
    model: Option<Source>,
    profile: Profile,
}

/// Parses such a file. `file` is for messages.
///
/// # Errors
/// [`ImportError`].
pub fn parse(text: &str, file: &str) -> Result<Imported, ImportError> {
    let error = |line, message: String| ImportError { file: file.into(), line, message };
    let mut imported = Imported::default();
    let mut section: Option<Section> = None;
    let close = |section: Option<Section>, imported: &mut Imported| {
        let Some(Section { id, line, model, mut profile }) = section else { return Ok(()) };
        profile.model = model.ok_or_else(|| error(line, format!("[{id}] has no MODEL")))?;
        imported.profiles.push(profile);
        match imported.profiles.len() > config::MOST_MODELS {
            true => Err(error(line, format!("more than {} models", config::MOST_MODELS))),
            false => Ok(()),
        }
    };
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim_start_matches('\u{feff}').trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[') {
            close(section.take(), &mut imported)?;
            let name = name.strip_suffix(']').ok_or_else(|| error(number, "no ] here".into()))?;
            let id: Id = name.trim().parse().map_err(|e| error(number, format!("{e}")))?;
            if imported.profiles.iter().any(|profile| profile.id == id) {
                return Err(error(number, format!("[{id}] is there twice")));
            }
            // The source stands in until MODEL comes, and is never handed on.
            let mut profile = Profile::new(id.clone(), Source::File("/".into()));
            profile.hidden = id.as_str().starts_with("bench-");
            section = Some(Section { id, line: number, model: None, profile });
            continue;
        }
        let pair = line.split_once('=').map(|(key, value)| (key.trim(), value.trim()));
        let (key, value) =
            pair.ok_or_else(|| error(number, "neither [id] nor KEY=VALUE".into()))?;
        let Some(section) = &mut section else {
            return Err(error(number, format!("{key} stands before any [id]")));
        };
        let note = set(section, key, unquoted(value)).map_err(|message| error(number, message))?;
        imported.notes.extend(note.map(|note| format!("{file}:{number}: {note}")));
    }
    close(section.take(), &mut imported)?;
    Ok(imported)
}

/// Takes one key over. A note where it is not taken as it stands.
fn set(section: &mut Section, key: &str, value: &str) -> Result<Option<String>, String> {
    let profile = &mut section.profile;
    let one_line = || -> Result<Option<String>, String> {
        match value.len() > 500 || value.chars().any(char::is_control) {
            true => Err(format!("{key}: one line of at most 500 bytes")),
            false => Ok((!value.is_empty()).then(|| value.to_owned())),
        }
    };
    match key.to_ascii_uppercase().as_str() {
        "NAME" => profile.name = one_line()?,
        "DESCRIPTION" => profile.description = one_line()?,
        "SPEED" => profile.speed = one_line()?,
        "MODEL" => {
            let source: Source = value.parse().map_err(|e| format!("MODEL: {e}"))?;
            let relative = matches!(&source, Source::File(path)
                if path.is_relative() && !path.starts_with("~"));
            if relative {
                return Err(format!(
                    "MODEL: {value:?} begins with neither / nor ~/, and no ORG/REPO"
                ));
            }
            section.model = Some(source);
        }
        "CTX_SIZE" if value == "0" => {
            return Ok(Some("CTX_SIZE=0: the model's own context, which needs no key".into()));
        }
        "CTX_SIZE" => {
            profile.context = Some(units::tokens(value).map_err(|e| format!("CTX_SIZE: {e}"))?);
        }
        "N_GPU_LAYERS" if value.eq_ignore_ascii_case("auto") => {}
        "N_GPU_LAYERS" => {
            let count: i64 =
                value.parse().map_err(|_| format!("N_GPU_LAYERS: {value:?} is no number"))?;
            match u16::try_from(count) {
                Ok(count) if u32::from(count) < ALL_LAYERS => {
                    profile.gpu_layers = GpuLayers::Count(count);
                }
                _ => {
                    return Ok(Some(format!(
                        "N_GPU_LAYERS={count} became \"auto\": the number would keep --fit from \
                         its work"
                    )));
                }
            }
        }
        "FIT" => {
            profile.fit = match value.to_ascii_lowercase().as_str() {
                "on" | "true" | "yes" | "1" | "" => true,
                "off" | "false" | "no" | "0" => false,
                _ => return Err(format!("FIT: {value:?} is neither on nor off")),
            }
        }
        "FIT_TARGET" if value.is_empty() => {}
        "FIT_TARGET" => {
            let target = value.parse().map_err(|_| format!("FIT_TARGET: {value:?} is no MiB"))?;
            profile.fit_target = Some(target);
        }
        "EXTRA_ARGS" => {
            let args = words::split(value).map_err(|e| format!("EXTRA_ARGS: {e}"))?;
            check_args(&args).map_err(|e| format!("EXTRA_ARGS: {e}"))?;
            profile.args = args;
        }
        _ => return Ok(Some(format!("{key} is unknown and was left out"))),
    }
    Ok(None)
}

/// Without the quotes around all of it. `EXTRA_ARGS` may have quotes within: those stay.
fn unquoted(value: &str) -> &str {
    let inner = |quote: char| {
        let inner = value.strip_prefix(quote)?.strip_suffix(quote)?;
        (!inner.contains(quote)).then_some(inner)
    };
    inner('"').or_else(|| inner('\'')).unwrap_or(value)
}

#[cfg(test)]
#[path = "import_test.rs"]
mod tests;
