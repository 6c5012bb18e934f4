//! What a guest gets to know about the model: no paths and no arguments of the host.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::link::Status;

/// Longest answer to `/props`.
pub(crate) const MAX_PROPS: usize = 1 << 20;

/// The name that always works.
const ALIAS: &str = "local";

/// The list of models, for clients of OpenAI and of Anthropic.
pub(crate) fn list(status: &Status) -> Value {
    let mut ids = vec![ALIAS];
    if !status.model.is_empty() && status.model != ALIAS {
        ids.push(&status.model);
    }
    let data: Vec<Value> = ids.iter().map(|id| entry(id, status)).collect();
    json!({
        "object": "list",
        "data": data,
        "has_more": false,
        "first_id": ids.first(),
        "last_id": ids.last(),
    })
}

fn entry(id: &str, status: &Status) -> Value {
    let mut entry = json!({
        "id": id,
        "object": "model",
        "type": "model",
        "display_name": status.name,
        "created": 0,
        "created_at": "1970-01-01T00:00:00Z",
        "owned_by": "qvm",
    });
    if let (Some(context), Value::Object(entry)) = (status.context, &mut entry) {
        entry.insert("context_length".into(), context.into());
    }
    entry
}

/// What is kept of `/props`.
#[derive(Serialize, Deserialize)]
struct Props<'a> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    default_generation_settings: Option<Settings>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    total_slots: Option<u32>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    modalities: Option<&'a RawValue>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    chat_template: Option<&'a RawValue>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    chat_template_caps: Option<&'a RawValue>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    bos_token: Option<&'a RawValue>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    eos_token: Option<&'a RawValue>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    build_info: Option<&'a RawValue>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    is_sleeping: Option<bool>,
}

#[derive(Serialize, Deserialize)]
struct Settings {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    n_ctx: Option<u32>,
}

/// The harmless part of `/props`.
pub(crate) fn props(body: &[u8]) -> Option<Vec<u8>> {
    let props: Props<'_> = serde_json::from_slice(body).ok()?;
    serde_json::to_vec(&props).ok()
}

#[cfg(test)]
#[path = "models_test.rs"]
mod tests;
