//! Which agents a machine has.

use std::str::FromStr;

use guest_image::{Arch, ChoiceError, agents, layer_for};
use serde::{Deserialize, Deserializer, de::Error as _};

/// Agents to be laid above the image's root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agents {
    /// Their names, as asked for. Every one of them can be had.
    pub names: Vec<String>,
    /// Somebody asked for these; else they are the default, and a machine works without them.
    pub asked: bool,
}

impl Default for Agents {
    fn default() -> Self {
        Self { names: agents::DEFAULT.map(String::from).into(), asked: false }
    }
}

impl Agents {
    /// Exactly these.
    ///
    /// # Errors
    /// [`ChoiceError`] for one that cannot be had.
    pub fn new(names: Vec<String>) -> Result<Self, ChoiceError> {
        layer_for(Arch::HOST, &names)?;
        Ok(Self { names, asked: true })
    }
}

/// `claude,llm`, or `none`.
impl FromStr for Agents {
    type Err = ChoiceError;

    fn from_str(text: &str) -> Result<Self, ChoiceError> {
        let text = text.trim();
        if text == "none" || text.is_empty() {
            return Self::new(Vec::new());
        }
        Self::new(text.split(',').map(|name| name.trim().to_owned()).collect())
    }
}

/// `with = ["claude", "llm"]`, or `with = []`.
pub fn from_file<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Agents>, D::Error> {
    let names = Vec::deserialize(from)?;
    Agents::new(names).map(Some).map_err(D::Error::custom)
}

#[cfg(test)]
#[path = "agents_test.rs"]
mod tests;
