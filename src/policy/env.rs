//! The guest's environment: an allow-list of the host's, then `-e`. Nothing else crosses (A22).

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::{OsStrExt, OsStringExt},
};

/// A `-e` as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvArg {
    /// The variable.
    pub name: OsString,
    /// Its value; `None` takes the host's.
    pub value: Option<OsString>,
}

/// Why a variable was refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvError {
    /// `-e =x` or `-e ''`.
    #[error("a variable is written NAME or NAME=VALUE, and NAME is not empty")]
    NoName,
    /// `-e NAME` without such a variable on the host.
    #[error("`-e {name}` takes the value from the host, where {name} is not set; write {name}=VALUE", name = .0.to_string_lossy())]
    Unset(OsString),
}

/// Parses `NAME[=VALUE]`.
///
/// # Errors
/// [`EnvError::NoName`].
pub fn variable(text: &OsStr) -> Result<EnvArg, EnvError> {
    let bytes = text.as_bytes();
    let owned = |b: &[u8]| OsString::from_vec(b.to_vec());
    let (name, value) = match bytes.iter().position(|b| *b == b'=') {
        Some(at) => (bytes.get(..at).unwrap_or_default(), bytes.get(at + 1..).map(owned)),
        None => (bytes, None),
    };
    if name.is_empty() || name.contains(&0) {
        return Err(EnvError::NoName);
    }
    Ok(EnvArg { name: owned(name), value })
}

/// Whether the host's variable of this name reaches the guest unasked. Only what makes the
/// terminal, the language and the clock look the same.
pub fn allowed(name: &OsStr) -> bool {
    let bytes = name.as_bytes();
    matches!(bytes, b"TERM" | b"COLORTERM" | b"LANG" | b"TZ")
        || (bytes.starts_with(b"LC_") && bytes.len() > 3)
}

/// The guest's variables, in order, each name once: allowed ones of `host`, then `asked`, where
/// the later wins.
///
/// # Errors
/// [`EnvError::Unset`].
pub fn build(
    host: &[(OsString, OsString)],
    asked: &[EnvArg],
) -> Result<Vec<(OsString, OsString)>, EnvError> {
    let mut result: Vec<(OsString, OsString)> =
        host.iter().filter(|(name, _)| allowed(name)).cloned().collect();
    result.sort();
    for arg in asked {
        let value = match &arg.value {
            Some(value) => value.clone(),
            None => {
                let found = host.iter().find(|(name, _)| *name == arg.name);
                found
                    .map(|(_, value)| value.clone())
                    .ok_or_else(|| EnvError::Unset(arg.name.clone()))?
            }
        };
        result.retain(|(name, _)| *name != arg.name);
        result.push((arg.name.clone(), value));
    }
    Ok(result)
}

#[cfg(test)]
#[path = "env_test.rs"]
mod tests;
