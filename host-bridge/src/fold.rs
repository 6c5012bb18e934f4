//! System messages into one place.
//!
//! | endpoints | found as | go to |
//! |---|---|---|
//! | chat completions | `system` and `developer` in `messages`, after the first | the first message |
//! | messages | `system` in `messages` | `system` |
//! | responses | `system` and `developer` in `input` | `instructions` |
//!
//! Texts are joined by an empty line, without taking them apart.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::endpoint::Fold;
use crate::text::{Fields, Items, is_object, quoted, text};

/// Begins a text that holds a checksum of the request, and says nothing to a model.
const BILLING: &str = "x-anthropic-billing-header:";

/// What becomes of one field of the body.
pub(crate) struct Change {
    pub key: &'static str,
    /// A new field before it.
    pub before: Option<(&'static str, String)>,
    /// Its new value; none to drop it.
    pub value: Option<String>,
}

/// A message and its place.
struct Message<'a> {
    raw: &'a RawValue,
    /// Its fields where it is a system message.
    system: Option<Fields<'a>>,
}

/// What has to change in a body.
///
/// # Errors
/// A system message is not made of text.
pub(crate) fn changes(body: &Fields<'_>, fold: Fold) -> Result<Vec<Change>, String> {
    match fold {
        Fold::No => Ok(Vec::new()),
        Fold::Chat => chat(body),
        Fold::Responses => responses(body),
        Fold::Anthropic => anthropic(body),
    }
}

fn chat(body: &Fields<'_>) -> Result<Vec<Change>, String> {
    let messages = messages(body.get("messages"), &["system", "developer"])?;
    if !messages.iter().skip(1).any(|m| m.system.is_some()) {
        return Ok(Vec::new());
    }
    let contents = contents(&messages)?;
    let content = join(&contents)?;
    let first = match messages.first().and_then(|m| m.system.as_ref()) {
        None => format!(r#"{{"role":"system","content":{content}}}"#),
        Some(fields) => {
            let others = fields.0.iter().filter(|(key, _)| key != "content");
            let others = others.map(|(key, raw)| format!("{}:{},", quoted(key), raw.get()));
            format!(r#"{{{}"content":{content}}}"#, others.collect::<String>())
        }
    };
    let rest = messages.iter().filter(|m| m.system.is_none()).map(|m| m.raw.get());
    let value = array(std::iter::once(&*first).chain(rest));
    Ok(vec![Change { key: "messages", before: None, value: Some(value) }])
}

fn anthropic(body: &Fields<'_>) -> Result<Vec<Change>, String> {
    let messages = messages(body.get("messages"), &["system"])?;
    let system = body.get("system").filter(|raw| raw.get() != "null");
    let mut all: Vec<Cow<'_, str>> = system.iter().map(|raw| raw.get().into()).collect();
    all.extend(contents(&messages)?);
    let mut cleaned = Vec::new();
    for content in &all {
        cleaned.extend(without_billing(content)?);
    }
    let folded = messages.iter().any(|m| m.system.is_some());
    if !folded && cleaned == all {
        return Ok(Vec::new());
    }
    let system = match &*cleaned {
        [] => None,
        cleaned => Some(join(cleaned)?),
    };
    if let Some(system) = system.as_ref().filter(|_| folded) {
        crate::media::check_moved(system).map_err(|e| format!("the body is refused: {e}"))?;
    }
    let mut changes = Vec::new();
    let mut new = None;
    if body.get("system").is_some() {
        changes.push(Change { key: "system", before: None, value: system });
    } else {
        new = system.map(|system| ("system", system));
    }
    if folded {
        let rest = messages.iter().filter(|m| m.system.is_none()).map(|m| m.raw.get());
        changes.push(Change { key: "messages", before: new, value: Some(array(rest)) });
    }
    Ok(changes)
}

fn responses(body: &Fields<'_>) -> Result<Vec<Change>, String> {
    let items = messages(body.get("input"), &["system", "developer"])?;
    let folded = contents(&items)?;
    if !items.iter().any(|m| m.system.is_some()) {
        return Ok(Vec::new());
    }
    let instructions = body.get("instructions").filter(|raw| raw.get() != "null");
    let mut texts: Vec<Cow<'_, str>> = instructions.iter().map(|raw| raw.get().into()).collect();
    for content in folded {
        if content.starts_with('"') {
            texts.push(content);
            continue;
        }
        for part in parse::<Items<'_>>(&content)?.0 {
            let part: Fields<'_> = parse(part.get())?;
            let text = part.get("text").ok_or("a system message holds something else than text")?;
            texts.push(text.get().to_owned().into());
        }
    }
    if texts.iter().any(|text| !text.starts_with('"')) {
        return Err("a system message holds something else than text".into());
    }
    let joined = (!texts.is_empty()).then(|| join(&texts)).transpose()?;
    let rest = items.iter().filter(|m| m.system.is_none()).map(|m| m.raw.get());
    let value = Some(array(rest));
    if body.get("instructions").is_some() {
        let input = Change { key: "input", before: None, value };
        return Ok(vec![Change { key: "instructions", before: None, value: joined }, input]);
    }
    let before = joined.map(|joined| ("instructions", joined));
    Ok(vec![Change { key: "input", before, value }])
}

/// The elements of `raw`, where it is an array.
fn messages<'a>(raw: Option<&'a RawValue>, roles: &[&str]) -> Result<Vec<Message<'a>>, String> {
    let Some(raw) = raw.filter(|raw| raw.get().starts_with('[')) else {
        return Ok(Vec::new());
    };
    let mut messages = Vec::new();
    for raw in parse::<Items<'_>>(raw.get())?.0 {
        let mut system = None;
        if is_object(raw) {
            let fields: Fields<'_> = parse(raw.get())?;
            if fields.text("role").is_some_and(|role| roles.contains(&&*role)) {
                system = Some(fields);
            }
        }
        messages.push(Message { raw, system });
    }
    Ok(messages)
}

/// What the system messages say: strings and arrays.
fn contents<'a>(messages: &[Message<'a>]) -> Result<Vec<Cow<'a, str>>, String> {
    let fields = messages.iter().filter_map(|m| m.system.as_ref());
    let contents = fields.filter_map(|f| f.get("content")).map(RawValue::get);
    let contents: Vec<_> = contents.filter(|raw| *raw != "null").map(Cow::from).collect();
    if contents.iter().any(|raw| !raw.starts_with(['"', '['])) {
        return Err("the content of a system message must be a string or an array".into());
    }
    Ok(contents)
}

/// Strings and arrays of parts, one after the other: a string where all are, else an array.
fn join(contents: &[Cow<'_, str>]) -> Result<String, String> {
    if let [one] = contents {
        return Ok(one.to_string());
    }
    if contents.iter().all(|raw| raw.starts_with('"')) {
        let inner: Vec<&str> = contents.iter().map(|raw| &raw[1..raw.len() - 1]).collect();
        return Ok(format!("\"{}\"", inner.join(r"\n\n")));
    }
    let mut parts: Vec<Cow<'_, str>> = Vec::new();
    for content in contents {
        let gap = if parts.is_empty() { "" } else { r"\n\n" };
        if let Some(rest) = content.strip_prefix('"') {
            parts.push(format!(r#"{{"type":"text","text":"{gap}{rest}}}"#).into());
            continue;
        }
        if !gap.is_empty() {
            parts.push(format!(r#"{{"type":"text","text":"{gap}"}}"#).into());
        }
        let items = parse::<Items<'_>>(content)?.0;
        parts.extend(items.into_iter().map(|raw| Cow::from(raw.get())));
    }
    Ok(array(parts.iter().map(|part| &**part)))
}

/// The content without what is only for billing; nothing if nothing is left.
fn without_billing<'a>(content: &'a str) -> Result<Option<Cow<'a, str>>, String> {
    if let Some(whole) = text(content) {
        let mut rest = &*whole;
        while rest.starts_with(BILLING) {
            rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
        }
        let same = rest.len() == whole.len();
        return Ok(match (same, rest.is_empty()) {
            (true, _) => Some(content.into()),
            (false, true) => None,
            (false, false) => Some(quoted(rest).into()),
        });
    }
    if !content.starts_with('[') {
        return Ok(Some(content.into()));
    }
    let items = parse::<Items<'_>>(content)?.0;
    let count = items.len();
    let mut kept = Vec::new();
    for item in items {
        let billing = is_object(item)
            && parse::<Fields<'_>>(item.get())?
                .text("text")
                .is_some_and(|text| text.starts_with(BILLING));
        if !billing {
            kept.push(item.get());
        }
    }
    Ok(match kept.len() {
        n if n == count => Some(content.into()),
        0 => None,
        _ => Some(array(kept.into_iter()).into()),
    })
}

fn array<'a>(items: impl Iterator<Item = &'a str>) -> String {
    let mut out = String::from("[");
    for (i, item) in items.enumerate() {
        if i > 0 {
            out.push(',');
        }
        out.push_str(item);
    }
    out.push(']');
    out
}

fn parse<'a, T: serde::Deserialize<'a>>(raw: &'a str) -> Result<T, String> {
    serde_json::from_str(raw).map_err(|e| format!("the body is refused: {e}"))
}

#[cfg(test)]
#[path = "fold_test.rs"]
mod tests;
