//! Where a model's weights come from: a file of this host, or a repository of the hub.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::profile::Id;

/// Longest text of a source, in bytes.
const LONGEST: usize = 1024;

/// Why a text names no source.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// Nothing.
    #[error("a model is a file like ~/models/x.gguf, or ORG/REPO, ORG/REPO:FILE.gguf")]
    Empty,
    /// Control characters, or far too long.
    #[error("a model's name has no control characters and at most {LONGEST} bytes")]
    Unprintable,
    /// Neither a path nor ORG/REPO.
    #[error("{0:?} is neither a path (/…, ./…, ~/…) nor ORG/REPO, ORG/REPO:FILE.gguf")]
    Form(String),
    /// A name that the hub does not give.
    #[error(
        "{name:?} cannot be the {what} of a repository: letters, digits, '-', '_' and '.' only"
    )]
    Name {
        /// Part of the name.
        what: &'static str,
        /// What stands there.
        name: String,
    },
    /// A path that leaves the repository, or is none.
    #[error("{0:?} cannot be a file of a repository")]
    File(String),
}

/// Where weights come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file of this host. May begin with `~/`, and may be relative: see [`Source::file`].
    File(PathBuf),
    /// A repository of the hub.
    Hub(Repo),
}

/// A repository of the hub and what of it is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repo {
    /// Who publishes it.
    pub org: String,
    /// Its name.
    pub name: String,
    /// Branch, tag or commit; the hub's `main` without.
    pub revision: Option<String>,
    /// Which of its files.
    pub choice: Choice,
}

/// Which file of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// Nothing said: the only one there is, or the one of quantisation `Q4_K_M`.
    Any,
    /// The file of that name.
    File(String),
    /// The one of that quantisation, like `Q4_K_M`.
    Quantisation(String),
}

impl Source {
    /// Path of a local file, with `~/` and a relative path resolved; `None` for the hub.
    #[must_use]
    pub fn file(&self, home: &Path, folder: &Path) -> Option<PathBuf> {
        match self {
            Self::File(path) => Some(expand(path, home, folder)),
            Self::Hub(_) => None,
        }
    }

    /// The same with the path of a local file absolute.
    #[must_use]
    pub fn absolute(self, home: &Path, folder: &Path) -> Self {
        match self {
            Self::File(path) => Self::File(expand(&path, home, folder)),
            Self::Hub(repo) => Self::Hub(repo),
        }
    }

    /// A short name for weights that have none: of the file, else of the repository.
    #[must_use]
    pub fn id(&self) -> Id {
        let name = match self {
            Self::File(path) => path.file_stem().unwrap_or_default().to_string_lossy(),
            Self::Hub(repo) => repo.name.as_str().into(),
        };
        let plain = |c: char| if c.is_ascii_alphanumeric() || "_.-".contains(c) { c } else { '-' };
        let name: String = name.trim_end_matches("-GGUF").chars().map(plain).take(63).collect();
        let name = name.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
        name.parse().unwrap_or_else(|_| Id::model())
    }
}

/// A path with `~/` replaced by `home` and without `.`; a relative one begins in `folder`.
#[must_use]
pub fn expand(path: &Path, home: &Path, folder: &Path) -> PathBuf {
    match path.strip_prefix("~") {
        Ok(rest) => home.join(rest),
        Err(_) => folder.join(path).components().collect(),
    }
}

impl Repo {
    /// `main` where nothing else is said.
    #[must_use]
    pub fn revision(&self) -> &str {
        self.revision.as_deref().unwrap_or("main")
    }
}

impl FromStr for Source {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, SourceError> {
        if text.is_empty() {
            return Err(SourceError::Empty);
        }
        if text.len() > LONGEST || text.chars().any(char::is_control) {
            return Err(SourceError::Unprintable);
        }
        if let Some(rest) = text.strip_prefix("hf:") {
            return repo(rest).map(Self::Hub);
        }
        let local = ["/", "./", "../", "~/"].iter().any(|start| text.starts_with(start));
        if local || (is_gguf(text) && !text.contains(':')) {
            return Ok(Self::File(text.into()));
        }
        repo(text).map(Self::Hub)
    }
}

/// Whether a name ends as weights do.
pub(crate) fn is_gguf(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|e| e.eq_ignore_ascii_case("gguf"))
}

/// `ORG/REPO[@REVISION][:FILE.gguf|:QUANTISATION]`.
fn repo(text: &str) -> Result<Repo, SourceError> {
    let (place, choice) = match text.split_once(':') {
        Some((place, choice)) => (place, Some(choice)),
        None => (text, None),
    };
    let (place, revision) = match place.split_once('@') {
        Some((place, revision)) => (place, Some(revision)),
        None => (place, None),
    };
    let (org, name) = place.split_once('/').ok_or_else(|| SourceError::Form(text.into()))?;
    if name.contains('/') {
        return Err(SourceError::Form(text.into()));
    }
    check("organisation", org)?;
    check("name", name)?;
    if let Some(revision) = revision {
        check("revision", revision)?;
    }
    let choice = match choice {
        None => Choice::Any,
        Some(file) if is_gguf(file) && inside(file) => Choice::File(file.into()),
        Some(word) if is_word(word) && !is_gguf(word) => Choice::Quantisation(word.into()),
        Some(other) => return Err(SourceError::File(other.into())),
    };
    Ok(Repo { org: org.into(), name: name.into(), revision: revision.map(str::to_owned), choice })
}

fn check(what: &'static str, name: &str) -> Result<(), SourceError> {
    match is_word(name) {
        true => Ok(()),
        false => Err(SourceError::Name { what, name: name.into() }),
    }
}

/// Letters, digits, `-`, `_`, `.`; not beginning with a dot or dash; at most 96.
pub(crate) fn is_word(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    name.len() <= 96
        && name.bytes().all(plain)
        && name.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric)
        && !name.contains("..")
}

/// Whether a path stays inside its repository and has nothing in it that a shell, a URL or a
/// terminal would take amiss.
pub(crate) fn inside(path: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || "-_.+=, ()[]".contains(c);
    let part = |part: &str| {
        !part.is_empty() && part.len() <= 200 && !part.starts_with('.') && part.chars().all(plain)
    };
    path.len() <= LONGEST && path.split('/').count() <= 8 && path.split('/').all(part)
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Hub(repo) => repo.fmt(f),
        }
    }
}

impl fmt::Display for Repo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.org, self.name)?;
        if let Some(revision) = &self.revision {
            write!(f, "@{revision}")?;
        }
        match &self.choice {
            Choice::Any => Ok(()),
            Choice::File(name) | Choice::Quantisation(name) => write!(f, ":{name}"),
        }
    }
}

#[cfg(test)]
#[path = "source_test.rs"]
mod tests;
