//! The machines that guests are made for.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// A machine's architecture, by the name that `uname -m` has for it on Linux.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Arch {
    /// `x86_64`, Debian's `amd64`.
    X86_64,
    /// `aarch64`, Debian's `arm64`.
    Aarch64,
}

/// No architecture that guests can have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there are no machines of architecture {0:?}: it is x86_64 (amd64) or aarch64 (arm64)")]
pub struct ArchError(String);

impl Arch {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::X86_64, Self::Aarch64];

    /// That of this program, and so of this machine.
    pub const HOST: Self = if cfg!(target_arch = "aarch64") { Self::Aarch64 } else { Self::X86_64 };

    /// `x86_64` or `aarch64`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Aarch64 => "aarch64",
        }
    }

    /// Debian's name.
    #[must_use]
    pub fn debian(self) -> &'static str {
        match self {
            Self::X86_64 => "amd64",
            Self::Aarch64 => "arm64",
        }
    }
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Arch {
    type Err = ArchError;

    fn from_str(text: &str) -> Result<Self, ArchError> {
        let named = |arch: &Self| text == arch.name() || text == arch.debian();
        Self::ALL.into_iter().find(named).ok_or_else(|| ArchError(text.to_owned()))
    }
}

#[cfg(test)]
#[path = "arch_test.rs"]
mod tests;
