//! What is not told: who and where.

use std::path::Path;

use crate::policy::host::Host;

/// Shortest word that is taken for a name: shorter ones are parts of everything.
const SHORTEST: usize = 3;
/// Names that tell nothing of anybody.
const COMMON: [&str; 6] = ["root", "user", "admin", "localhost", "runner", "debian"];

/// Words that are replaced, the longest first.
#[derive(Debug, Default)]
pub struct Private {
    paths: Vec<(String, &'static str)>,
    words: Vec<(String, &'static str)>,
}

impl Private {
    /// Of this host and its user.
    pub fn of(host: &Host) -> Self {
        let uname = rustix::system::uname();
        let node = uname.nodename().to_string_lossy().into_owned();
        let homes = [Some(host.dirs.home.as_path()), host.account.home.as_deref()];
        Self::new(&homes.into_iter().flatten().collect::<Vec<_>>(), &host.account.name, &node)
    }

    /// `homes` are home directories, `user` a login name, `node` the host's name with or without its
    /// domain.
    pub fn new(homes: &[&Path], user: &str, node: &str) -> Self {
        let mut paths = Vec::new();
        for home in homes {
            let real = home.canonicalize().ok();
            for path in [Some(home.to_path_buf()), real].into_iter().flatten() {
                // That of a system account may be the root, which is in every path.
                if path.parent().is_some() {
                    paths.push((path.to_string_lossy().into_owned(), "~"));
                }
            }
        }
        paths.sort_by_key(|(path, _)| std::cmp::Reverse(path.len()));
        paths.dedup();
        let short = node.split('.').next().unwrap_or_default();
        let mut words = Vec::new();
        for (word, instead) in [(node, "(host)"), (short, "(host)"), (user, "(user)")] {
            if word.len() >= SHORTEST && !COMMON.contains(&word) {
                words.push((word.to_owned(), instead));
            }
        }
        Self { paths, words }
    }

    /// The text without them.
    pub fn hide(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (path, instead) in &self.paths {
            text = replace(&text, path, instead, |c| c.is_alphanumeric() || c == '-' || c == '_');
        }
        for (word, instead) in &self.words {
            text = replace(&text, word, instead, char::is_alphanumeric);
        }
        text
    }
}

/// Replaces `word` where it is not part of a longer one.
fn replace(text: &str, word: &str, instead: &str, part: impl Fn(char) -> bool) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(word) {
        let (before, found) = rest.split_at(at);
        let after = found.get(word.len()..).unwrap_or_default();
        let joined = before.chars().next_back().is_some_and(&part)
            || after.chars().next().is_some_and(&part);
        result.push_str(before);
        result.push_str(if joined { word } else { instead });
        rest = after;
    }
    result + rest
}

#[cfg(test)]
#[path = "private_test.rs"]
mod tests;
