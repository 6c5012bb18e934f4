//! pi.

use serde_json::json;

use super::{Agent, GuestFile, Local, Source, Variable, output, private, text};

/// See the module.
pub const AGENT: Agent = Agent {
    name: "pi",
    about: "pi",
    source: Source::Absent("it needs Node 22.19 and the image has Debian's Node 20"),
    environment,
    files,
};

fn environment(local: &Local<'_>) -> Vec<Variable> {
    vec![
        ("LLAMA_BASE_URL", format!("{}/v1", local.url).into()),
        ("PI_OFFLINE", "1".into()),
        ("PI_SKIP_VERSION_CHECK", "1".into()),
        ("PI_TELEMETRY", "0".into()),
    ]
}

fn files(local: &Local<'_>) -> Vec<GuestFile> {
    let mut model = json!({ "id": local.model, "name": local.model });
    if let (Some(context), Some(model)) = (local.context, model.as_object_mut()) {
        model.insert("contextWindow".to_owned(), context.into());
        model.insert("maxTokens".to_owned(), output(context).into());
    }
    let models = json!({
        "providers": {
            "llama": {
                "baseUrl": format!("{}/v1", local.url),
                "api": "openai-completions",
                "apiKey": "local",
                "compat": { "supportsDeveloperRole": false, "supportsReasoningEffort": false },
                "models": [model],
            },
        },
    });
    let settings = json!({
        "defaultProvider": "llama",
        "defaultModel": local.model,
        "enableInstallTelemetry": false,
    });
    vec![
        private(local, ".pi/agent/models.json", text::json(&models)),
        private(local, ".pi/agent/settings.json", text::json(&settings)),
    ]
}
