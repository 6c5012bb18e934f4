//! The machine's own Debian mirror, from apt's configuration: see sources.list(5).

use std::collections::HashMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Names that a Debian release goes by.
const SUITES: [&str; 9] = [
    "bullseye",
    "bookworm",
    "trixie",
    "forky",
    "sid",
    "stable",
    "oldstable",
    "testing",
    "unstable",
];

/// Where packages come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirror {
    /// The archive.
    pub main: String,
    /// Whether this machine takes a release's updates from there too.
    pub updates: bool,
    /// The archive of security updates, if this machine uses one.
    pub security: Option<String>,
}

/// No mirror is known.
#[derive(Debug, thiserror::Error)]
#[error(
    "apt on this machine names no Debian archive: set QVM_DEBIAN_MIRROR to the address of one (as in a line of \
     sources.list), or build the image on a Debian machine and copy its directory"
)]
pub struct SourcesError;

/// One place that apt fetches binary packages from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Source {
    uri: String,
    suites: Vec<String>,
    components: Vec<String>,
    signed_by: String,
}

impl Mirror {
    /// What `QVM_DEBIAN_MIRROR` says, else what apt uses.
    ///
    /// # Errors
    /// [`SourcesError`] where neither names a Debian archive.
    pub fn of_this_machine() -> Result<Self, SourcesError> {
        if let Some(main) = env::var("QVM_DEBIAN_MIRROR").ok().filter(|uri| !uri.is_empty()) {
            return Ok(Self { main, updates: false, security: None });
        }
        let (list, parts) = places();
        let mut sources = Vec::new();
        for path in files(&list, &parts) {
            let text = String::from_utf8_lossy(&fs::read(&path).unwrap_or_default()).into_owned();
            sources.extend(if path.extension().is_some_and(|e| e == "sources") {
                deb822(&text)
            } else {
                one_line(&text)
            });
        }
        Self::among(&sources).ok_or(SourcesError)
    }

    /// The Debian archive among these. Others may use Debian's suite names too, so the one whose
    /// key or address says Debian goes first; apt verifies the signature in any case.
    fn among(sources: &[Source]) -> Option<Self> {
        let is_main = |source: &&Source| {
            source.components.iter().any(|c| c == "main")
                && source.suites.iter().any(|suite| SUITES.contains(&suite.as_str()))
        };
        let score = |source: &Source| {
            let keyring = source.signed_by.contains("debian-archive-keyring");
            let address = source
                .uri
                .trim_end_matches('/')
                .rsplit('/')
                .next()
                .unwrap_or_default()
                .contains("debian");
            (u8::from(keyring), u8::from(address))
        };
        let best = sources.iter().filter(is_main).max_by_key(|source| score(source)).map(score)?;
        let main = sources.iter().filter(is_main).find(|source| score(source) == best)?;
        let has = |source: &Source, ends: [&str; 2]| {
            source.suites.iter().any(|suite| {
                ends.iter()
                    .any(|end| suite.strip_suffix(end).is_some_and(|name| SUITES.contains(&name)))
            })
        };
        Some(Self {
            main: main.uri.clone(),
            updates: sources.iter().any(|s| s.uri == main.uri && has(s, ["-updates", "-updates/"])),
            security: sources
                .iter()
                .find(|s| has(s, ["-security", "/updates"]))
                .map(|s| s.uri.clone()),
        })
    }

    /// Lines of a sources.list for a release.
    #[must_use]
    pub fn lines(&self, suite: &str) -> Vec<String> {
        let mut lines = vec![format!("deb {} {suite} main", self.main)];
        if self.updates {
            lines.push(format!("deb {} {suite}-updates main", self.main));
        }
        if let Some(security) = &self.security {
            lines.push(format!("deb {security} {suite}-security main"));
        }
        lines
    }
}

/// Paths of sources.list and sources.list.d, as apt is configured.
fn places() -> (PathBuf, PathBuf) {
    let output = Command::new("apt-config")
        .args(["shell", "LIST", "Dir::Etc::sourcelist/f", "PARTS", "Dir::Etc::sourceparts/d"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output();
    let text = output.map(|o| String::from_utf8_lossy(&o.stdout).into_owned()).unwrap_or_default();
    let get = |name: &str, default: &str| {
        let value = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix("='")?.strip_suffix('\''));
        PathBuf::from(value.unwrap_or(default))
    };
    (get("LIST", "/etc/apt/sources.list"), get("PARTS", "/etc/apt/sources.list.d"))
}

fn files(list: &Path, parts: &Path) -> Vec<PathBuf> {
    let entries =
        fs::read_dir(parts).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let mut found: Vec<PathBuf> = entries
        .filter(|path| path.extension().is_some_and(|e| e == "list" || e == "sources"))
        .collect();
    found.sort_unstable();
    found.insert(0, list.to_owned());
    found
}

/// `deb [options] uri suite component…`, a line each.
fn one_line(text: &str) -> Vec<Source> {
    text.lines().filter_map(one_source).collect()
}

fn one_source(line: &str) -> Option<Source> {
    let line = line.split('#').next()?.trim();
    let mut rest = line.strip_prefix("deb")?;
    if !rest.starts_with([' ', '\t']) {
        return None;
    }
    rest = rest.trim_start();
    let mut signed_by = String::new();
    if let Some(options) = rest.strip_prefix('[') {
        let (options, after) = options.split_once(']')?;
        let key = options.split_whitespace().find_map(|option| option.strip_prefix("signed-by="));
        signed_by = key.unwrap_or_default().to_owned();
        rest = after;
    }
    let mut words = rest.split_whitespace().map(str::to_owned);
    let (uri, suite) = (words.next()?, words.next()?);
    let source = Source { uri, suites: vec![suite], components: words.collect(), signed_by };
    is_fetchable(&source.uri).then_some(source)
}

/// Stanzas of `Field: value`, parted by empty lines.
fn deb822(text: &str) -> Vec<Source> {
    let mut sources = Vec::new();
    let mut fields: HashMap<String, String> = HashMap::new();
    let mut current = None;
    for line in text.lines().chain([""]) {
        if line.starts_with('#') {
            continue;
        }
        if line.trim().is_empty() {
            sources.extend(stanza(&fields));
            fields.clear();
            current = None;
        } else if line.starts_with([' ', '\t']) {
            if let Some(value) = current.as_ref().and_then(|name| fields.get_mut(name)) {
                value.push(' ');
                value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':') {
            let name = name.trim().to_ascii_lowercase();
            fields.insert(name.clone(), value.trim().to_owned());
            current = Some(name);
        }
    }
    sources
}

fn stanza(fields: &HashMap<String, String>) -> Vec<Source> {
    let words = |name: &str| -> Vec<String> {
        fields
            .get(name)
            .map(|value| value.split_whitespace().map(str::to_owned).collect())
            .unwrap_or_default()
    };
    let off =
        words("enabled").first().is_some_and(|w| ["no", "false", "off", "0"].contains(&w.as_str()));
    if off || !words("types").iter().any(|kind| kind == "deb") {
        return Vec::new();
    }
    let signed_by = fields.get("signed-by").cloned().unwrap_or_default();
    let source = |uri| Source {
        uri,
        suites: words("suites"),
        components: words("components"),
        signed_by: signed_by.clone(),
    };
    words("uris").into_iter().filter(|uri| is_fetchable(uri)).map(source).collect()
}

/// Not a CD-ROM, and nothing that would be more than one word in the line made of it.
fn is_fetchable(uri: &str) -> bool {
    uri.contains(':') && !uri.starts_with("cdrom:") && !uri.contains(char::is_whitespace)
}

#[cfg(test)]
#[path = "sources_test.rs"]
mod tests;
