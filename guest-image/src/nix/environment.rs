//! The environment of a development shell, as `nix print-dev-env --json` tells it.
//!
//! A shell of Nix is variables, functions and a hook for bash. Exported variables are for every
//! command. The rest only a bash can have: it is written down as a script, which login shells of
//! the guest read. Nothing of it is ever run on the host.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

/// Most bytes of all exported variables together: the kernel takes two MiB with the arguments.
const MAX_TOTAL: usize = 1 << 20;

/// Most bytes of one, its name and the zero byte at its end among them (`MAX_ARG_STRLEN`).
const MAX_ONE: usize = 128 << 10;

/// What belongs to the build that Nix ran to learn the environment, to the machine or to bash
/// itself: another place, user and terminal are the guest's. `nix develop` drops most of the same.
const DROPPED: [&str; 45] = [
    "BASH",
    "BASHOPTS",
    "BASHPID",
    "BASH_ENV",
    "BASH_VERSION",
    "COMP_WORDBREAKS",
    "DIRSTACK",
    "EPOCHREALTIME",
    "EPOCHSECONDS",
    "EUID",
    "HOME",
    "HOSTNAME",
    "HOSTTYPE",
    "IFS",
    "LINENO",
    "LOGNAME",
    "MACHTYPE",
    "NIX_BUILD_TOP",
    "NIX_ENFORCE_PURITY",
    "NIX_LOG_FD",
    "NIX_REMOTE",
    "OLDPWD",
    "OPTARG",
    "OPTERR",
    "OPTIND",
    "OSTYPE",
    "PATH",
    "PPID",
    "PS4",
    "PWD",
    "RANDOM",
    "SECONDS",
    "SHELL",
    "SHELLOPTS",
    "SHLVL",
    "SRANDOM",
    "SSL_CERT_FILE",
    "TEMP",
    "TEMPDIR",
    "TERM",
    "TMP",
    "TMPDIR",
    "TZ",
    "UID",
    "USER",
];

/// What every command gets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Environment {
    /// Folders of the store that go before the image's own in `PATH`, parted by colons.
    pub path: String,
    /// The other variables.
    pub variables: BTreeMap<String, String>,
}

/// What Nix says.
#[derive(Debug, Deserialize)]
pub struct Told {
    #[serde(default, rename = "bashFunctions")]
    functions: BTreeMap<String, String>,
    variables: BTreeMap<String, Variable>,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", content = "value", rename_all = "lowercase")]
enum Variable {
    Exported(String),
    Var(String),
    Array(Vec<String>),
    Associative(BTreeMap<String, String>),
    #[serde(other)]
    Unknown,
}

impl Told {
    /// Reads what Nix says.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let mut told: Self = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
        // Outputs of the build, which are never made.
        let outputs = match told.variables.get("outputs") {
            Some(Variable::Exported(names) | Variable::Var(names)) => {
                names.split_whitespace().map(str::to_owned).collect()
            }
            Some(Variable::Array(names)) => names.clone(),
            Some(Variable::Associative(names)) => names.keys().cloned().collect(),
            _ => Vec::new(),
        };
        told.variables.retain(|name, value| {
            is_name(name) && !outputs.contains(name) && !value.texts().any(|t| t.contains('\0'))
        });
        told.functions.retain(|name, text| is_function(name) && !text.contains('\0'));
        Ok(told)
    }

    /// What every command gets. A variable that is too long for the kernel is only in the script.
    ///
    /// # Errors
    /// That it is too much.
    pub fn environment(&self) -> Result<Environment, String> {
        let mut environment = Environment { path: self.path(), ..Environment::default() };
        for (name, value) in &self.variables {
            if let (Variable::Exported(value), true) = (value, wanted(name)) {
                if name != "shellHook" && name.len() + value.len() + 2 <= MAX_ONE {
                    environment.variables.insert(name.clone(), value.clone());
                }
            }
        }
        let all = environment.variables.iter();
        let total: usize = all.map(|(name, value)| name.len() + value.len() + 2).sum();
        if total > MAX_TOTAL {
            return Err(format!("{} KiB of variables, which no command takes", total >> 10));
        }
        Ok(environment)
    }

    /// The script for bash, with all variables and functions and the hook.
    #[must_use]
    pub fn script(&self) -> String {
        let mut text = String::from("# The development shell that qvm was given.\n");
        for (name, value) in self.variables.iter().filter(|(name, _)| wanted(name)) {
            let _ = match value {
                Variable::Exported(value) => writeln!(text, "export {name}={}", quoted(value)),
                Variable::Var(value) => writeln!(text, "{name}={}", quoted(value)),
                Variable::Array(values) => {
                    let values: Vec<_> = values.iter().map(|value| quoted(value)).collect();
                    writeln!(text, "declare -a {name}=({})", values.join(" "))
                }
                Variable::Associative(values) => {
                    let pair = |(key, value): (&String, &String)| {
                        format!("[{}]={}", quoted(key), quoted(value))
                    };
                    let pairs: Vec<_> = values.iter().map(pair).collect();
                    writeln!(text, "declare -A {name}=({})", pairs.join(" "))
                }
                Variable::Unknown => Ok(()),
            };
        }
        for (name, body) in &self.functions {
            let _ = writeln!(text, "{name} ()\n{{\n{body}\n}}");
        }
        text.push_str("if [ -n \"${shellHook-}\" ]; then eval \"$shellHook\"; fi\n");
        text
    }

    /// Folders of the store in `PATH`; others are the host's.
    fn path(&self) -> String {
        let Some(Variable::Exported(path) | Variable::Var(path)) = self.variables.get("PATH")
        else {
            return String::new();
        };
        let kept: Vec<_> = path.split(':').filter(|part| part.starts_with("/nix/store/")).collect();
        kept.join(":")
    }
}

impl Environment {
    /// The file for login shells, of whatever kind: they set a `PATH` of their own first.
    #[must_use]
    pub fn profile(&self, script: &str) -> String {
        let path = match self.path.as_str() {
            "" => String::new(),
            path => format!("PATH={}\"${{PATH:+:$PATH}}\"\nexport PATH\n", quoted(path)),
        };
        format!(
            "# The development shell that qvm was given.\n{path}if [ -n \"${{BASH_VERSION-}}\" ]; then . {script}; fi\n"
        )
    }
}

impl Variable {
    fn texts(&self) -> Box<dyn Iterator<Item = &String> + '_> {
        match self {
            Self::Exported(text) | Self::Var(text) => Box::new(std::iter::once(text)),
            Self::Array(texts) => Box::new(texts.iter()),
            Self::Associative(texts) => Box::new(texts.iter().flat_map(|(k, v)| [k, v])),
            Self::Unknown => Box::new(std::iter::empty()),
        }
    }
}

fn wanted(name: &str) -> bool {
    !DROPPED.contains(&name)
}

/// A name that a shell can give to a variable.
fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// A name that bash can give to a function and that is one word to it.
fn is_function(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('-')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.:+@".contains(&b))
}

/// One word to a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
#[path = "environment_test.rs"]
mod tests;
