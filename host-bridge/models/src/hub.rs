//! What a repository of the hub holds, and which of its files are meant.
//!
//! The list comes from a server and is not believed: names that could leave their folder are left
//! out, sizes and counts are bounded.

use serde::Deserialize;

use crate::source::{self, Choice, Repo};
use crate::weights::Numbered;

/// Longest list, in bytes.
pub(crate) const LONGEST_LIST: u64 = 32 << 20;

/// Largest file, in bytes: 4 TiB.
const LARGEST: u64 = 4 << 40;

/// Most files that are looked at.
const MOST_FILES: usize = 10_000;

/// Most names in a message.
const MOST_NAMED: usize = 20;

/// What is taken of several when nothing is said.
const PREFERRED: &str = "Q4_K_M";

/// Why no file was chosen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChoiceError {
    /// Not the answer of a hub.
    #[error("{0} has an unreadable list of files; is HF_ENDPOINT a hub?")]
    List(Box<Repo>),
    /// No GGUF at all.
    #[error("{0} has no GGUF files; look for a repository with -GGUF in its name")]
    None(Box<Repo>),
    /// None of that name.
    #[error("{repo} has no such file; it has: {names}")]
    Absent {
        /// What was asked for.
        repo: Box<Repo>,
        /// What there is.
        names: String,
    },
    /// Several.
    #[error("{repo} could be any of: {names}; write {}/{}:FILE", .repo.org, .repo.name)]
    Ambiguous {
        /// What was asked for.
        repo: Box<Repo>,
        /// What there is.
        names: String,
    },
    /// A part is not in the repository.
    #[error("{repo}: part {name} is missing in the repository")]
    Missing {
        /// What was asked for.
        repo: Box<Repo>,
        /// Name of the part.
        name: String,
    },
}

/// A file of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteFile {
    /// Path in the repository; cannot leave it.
    pub name: String,
    /// In bytes.
    pub size: u64,
    /// SHA-256 in lower-case hexadecimal digits, where the hub knows it.
    pub sha256: Option<String>,
}

/// The GGUF files of a repository, sorted by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// The commit they are of, where the hub says it.
    pub commit: Option<String>,
    /// The files.
    pub files: Vec<RemoteFile>,
}

#[derive(Deserialize)]
struct Answer {
    sha: Option<String>,
    siblings: Vec<Sibling>,
}

#[derive(Deserialize)]
struct Sibling {
    rfilename: String,
    size: Option<u64>,
    lfs: Option<Lfs>,
}

#[derive(Deserialize)]
struct Lfs {
    #[serde(alias = "oid")]
    sha256: Option<String>,
    size: Option<u64>,
}

impl Listing {
    /// Reads the hub's answer to `/api/models/ORG/REPO?blobs=true`.
    ///
    /// # Errors
    /// [`ChoiceError::List`].
    pub fn parse(answer: &[u8], repo: &Repo) -> Result<Self, ChoiceError> {
        let answer: Answer =
            serde_json::from_slice(answer).map_err(|_| ChoiceError::List(repo.clone().into()))?;
        let digits = |text: &String, length| {
            text.len() == length && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        };
        let mut files = Vec::new();
        for file in answer.siblings.into_iter().take(MOST_FILES) {
            if !source::is_gguf(&file.rfilename) || !source::inside(&file.rfilename) {
                continue;
            }
            let (sha256, lfs_size) = file.lfs.map_or((None, None), |lfs| (lfs.sha256, lfs.size));
            let size = lfs_size.or(file.size).filter(|size| (1..=LARGEST).contains(size));
            let sha256 = sha256.map(|text| text.to_ascii_lowercase());
            if let Some(size) = size {
                let sha256 = sha256.filter(|text| digits(text, 64));
                files.push(RemoteFile { name: file.rfilename, size, sha256 });
            }
        }
        files.sort_by(|a, b| a.name.cmp(&b.name));
        files.dedup_by(|a, b| a.name == b.name);
        Ok(Self { commit: answer.sha.filter(|text| digits(text, 40)), files })
    }

    /// The file that is meant, with all its parts in order.
    ///
    /// # Errors
    /// [`ChoiceError`].
    pub fn choose(&self, repo: &Repo) -> Result<Vec<RemoteFile>, ChoiceError> {
        let names: Vec<&str> = self.files.iter().map(|file| file.name.as_str()).collect();
        let chosen = choose(&names, repo)?;
        let parts = match Numbered::of(chosen) {
            Some(numbered) => numbered.all(),
            None => vec![chosen.to_owned()],
        };
        let find = |name: String| {
            let found = self.files.iter().find(|file| file.name == name).cloned();
            found.ok_or_else(|| ChoiceError::Missing { repo: repo.clone().into(), name })
        };
        parts.into_iter().map(find).collect()
    }
}

/// Which of the names is meant; of several parts the first that is there.
pub(crate) fn choose<'a>(names: &[&'a str], repo: &Repo) -> Result<&'a str, ChoiceError> {
    let mut models: Vec<&str> = Vec::new();
    for name in names.iter().copied() {
        let file = name.rsplit('/').next().unwrap_or(name);
        let numbered = Numbered::of(name).map(|n| (n.stem, n.parts));
        let again = numbered.is_some()
            && models.iter().any(|m| Numbered::of(m).map(|n| (n.stem, n.parts)) == numbered);
        if !again && !file.to_ascii_lowercase().starts_with("mmproj") {
            models.push(name);
        }
    }
    let list = |names: &[&str]| {
        let mut text = names[..names.len().min(MOST_NAMED)].join(", ");
        if names.len() > MOST_NAMED {
            text.push_str(&format!(" and {} more", names.len() - MOST_NAMED));
        }
        text
    };
    let of = |quantisation: &str| {
        let hits = models.iter().copied().filter(|name| has_word(name, quantisation));
        hits.collect::<Vec<_>>()
    };
    let absent = || ChoiceError::Absent { repo: repo.clone().into(), names: list(&models) };
    let ambiguous =
        |names| ChoiceError::Ambiguous { repo: repo.clone().into(), names: list(names) };
    match &repo.choice {
        // Named in full: a projector too.
        Choice::File(wanted) => {
            names.iter().copied().find(|name| name == wanted).ok_or_else(absent)
        }
        _ if models.is_empty() => Err(ChoiceError::None(repo.clone().into())),
        Choice::Quantisation(wanted) => match of(wanted).as_slice() {
            [] => Err(absent()),
            [one] => Ok(one),
            several => Err(ambiguous(several)),
        },
        Choice::Any => match (models.as_slice(), of(PREFERRED).as_slice()) {
            ([one], _) | (_, [one]) => Ok(one),
            _ => Err(ambiguous(&models)),
        },
    }
}

/// Whether a file's name has the quantisation as a word: `Q4_K` is not in `x-Q4_K_M.gguf`.
fn has_word(name: &str, word: &str) -> bool {
    let (name, word) = (name.to_ascii_lowercase(), word.to_ascii_lowercase());
    name.match_indices(&word).any(|(at, _)| {
        let before = name[..at].chars().next_back();
        let after = name[at + word.len()..].chars().next();
        before.is_none_or(|c| !c.is_alphanumeric()) && after.is_none_or(|c| "-./".contains(c))
    })
}

#[cfg(test)]
#[path = "hub_test.rs"]
mod tests;
