//! Which Nix it is.

use std::time::Duration;

use super::run::Task;
use super::{Nix, NixError};

/// The oldest that will do: it has `print-dev-env --json` and `--profile`, and locks trees that
/// are not committed by their content.
pub const LEAST: &str = "2.8";

/// Longest time that saying it may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Its major and minor version, which are new enough.
pub fn of(nix: &Nix) -> Result<(u32, u32), NixError> {
    let task = Task { doing: "`nix --version`", limit: 4096, patience: Some(PATIENCE), log: None };
    let said = match nix.run_plain(&["--version".as_ref()], &task) {
        // A program of another kind may not know the word.
        Err(NixError::Failed { said, .. }) => said.into_bytes(),
        said => said?,
    };
    let said = String::from_utf8_lossy(&said);
    let line = said.lines().next().unwrap_or_default().trim();
    let program = nix.program.clone();
    match (parse(line), parse(LEAST)) {
        (Some(found), Some(least)) if found < least => {
            Err(NixError::Old { program, found: format!("{}.{}", found.0, found.1) })
        }
        (Some(found), _) => Ok(found),
        (None, _) => {
            let said = line.chars().filter(|c| !c.is_control()).take(80).collect();
            Err(NixError::Strange { program, said })
        }
    }
}

/// Major and minor of the last word that begins like a version: `nix (Nix) 2.18.1`.
fn parse(line: &str) -> Option<(u32, u32)> {
    line.split_whitespace().rev().find_map(|word| {
        let mut parts = word.split('.');
        let major = parts.next()?.parse().ok()?;
        let digits = |part: &str| part.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok();
        Some((major, digits(parts.next()?)?))
    })
}

#[cfg(test)]
#[path = "version_test.rs"]
mod tests;
