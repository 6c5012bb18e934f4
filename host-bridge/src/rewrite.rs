//! What becomes of a request's body on its way to the server.
//!
//! - `model` becomes what is loaded.
//! - System messages after the first place go to where the chat templates want them, in order
//!   ([`crate::fold`]); agents put some between the others, and many templates refuse that.
//! - A billing line that changes with every request is dropped: it would spoil the prompt cache.
//! - A choice of the server's slot is dropped: other machines' conversations may be in there.
//! - Everything else stays as it was written, byte by byte, and in its place.
//!
//! The body must be JSON without a field twice on the levels that are looked at, and its media
//! must be part of it ([`crate::media`]): two readers that differ on the meaning of a body would
//! be a way around the filter.

use bytes::Bytes;

use crate::endpoint::Fold;
use crate::fold::{self, Change};
use crate::intake::Place;
use crate::text::{Fields, quoted};

/// Fields that are left out.
const DROPPED: [&str; 1] = ["id_slot"];

/// A body with a gap where the name of the model goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Body {
    /// All of it.
    pub text: String,
    /// Where the name goes.
    gap: usize,
    /// The answer is to be a stream.
    pub stream: bool,
}

impl Body {
    /// What is before the gap and behind it. `place` is given back with the memory.
    pub(crate) fn split(self, place: Place) -> (Bytes, Bytes) {
        let gap = self.gap;
        let bytes = Bytes::from_owner(Held { text: self.text, _place: place });
        (bytes.slice(..gap), bytes.slice(gap..))
    }

    /// With a name in the gap.
    #[must_use]
    pub(crate) fn with(&self, model: &str) -> String {
        let (before, after) = self.text.split_at(self.gap);
        format!("{before}{}{after}", quoted(model))
    }
}

struct Held {
    text: String,
    _place: Place,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        self.text.as_bytes()
    }
}

/// Checks and rewrites a body.
///
/// # Errors
/// Says what is wrong with it, for its sender.
pub(crate) fn rewrite(body: &[u8], fold: Fold) -> Result<Body, String> {
    let body = std::str::from_utf8(body).map_err(|_| "the body is not UTF-8")?;
    crate::media::check(body).map_err(|e| format!("the body is refused: {e}"))?;
    let fields: Fields<'_> =
        serde_json::from_str(body).map_err(|e| format!("the body is refused: {e}"))?;
    let changes = fold::changes(&fields, fold)?;
    let mut out = String::with_capacity(body.len() + 64);
    let mut gap = None;
    for (key, value) in &fields.0 {
        if DROPPED.contains(&key.as_ref()) {
            continue;
        }
        let change = changes.iter().find(|c| c.key == *key);
        if let Some(Change { before: Some((key, value)), .. }) = change {
            field(&mut out, key).push_str(value);
        }
        if key == "model" {
            gap = Some(field(&mut out, key).len());
            continue;
        }
        match change.map(|c| c.value.as_deref()) {
            None => field(&mut out, key).push_str(value.get()),
            Some(Some(value)) => field(&mut out, key).push_str(value),
            Some(None) => {}
        }
    }
    let gap = gap.unwrap_or_else(|| field(&mut out, "model").len());
    let stream = fields.get("stream").is_some_and(|raw| raw.get() == "true");
    drop(changes);
    drop(fields);
    out.push('}');
    out.shrink_to_fit();
    Ok(Body { text: out, gap, stream })
}

/// Begins a field of the object `out`.
fn field<'a>(out: &'a mut String, key: &str) -> &'a mut String {
    out.push(if out.is_empty() { '{' } else { ',' });
    out.push_str(&quoted(key));
    out.push(':');
    out
}

#[cfg(test)]
#[path = "rewrite_test.rs"]
mod tests;
