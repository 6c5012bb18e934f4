//! Values as the agents' files want them.

use std::path::Path;

use serde::Serialize;
use serde_json::Value;

/// JSON for people, with a newline at the end.
pub fn json(value: &Value) -> Vec<u8> {
    format!("{value:#}\n").into_bytes()
}

/// Text in double quotes, as JSON, YAML and TOML understand it alike.
pub fn quoted(text: impl Serialize) -> String {
    // Text always has a JSON form. TOML alone wants this character escaped.
    serde_json::to_string(&text).unwrap_or_default().replace('\u{7f}', "\\u007f")
}

/// A path as text. Agents know only Unicode.
pub fn path(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
