//! opencode.

use serde_json::{Map, Value, json};

use super::{Agent, GuestFile, Local, Npm, Source, Variable, output};

/// See the module. The program for x86_64 is the one that runs without AVX2.
pub const AGENT: Agent = Agent {
    name: "opencode",
    about: "opencode",
    source: Source::Npm(&[
        Npm {
            arch: "x86_64",
            package: "opencode-linux-x64-baseline",
            version: "1.18.33",
            agent: "1.18.33",
            integrity: "sha512-1KQGBiiDDeL/VHHbHkOvvFo8Jr97WT5+C1tear+p7IcDTnXgVHXqIjU4O4jM4mHQzykTP2i884FCnW5LDa+zCA==",
            keep: &[("bin/opencode", "bin/opencode")],
        },
        Npm {
            arch: "aarch64",
            package: "opencode-linux-arm64",
            version: "1.18.18",
            agent: "1.18.18",
            integrity: "sha512-e8D3g0qJEIzawEg2+ygW3vkZjAYL2ssyAx4GbihjwXwZFvlZZy5zRWWzdz5KLBoHSTl0FB73vNtnNeXONyHpVQ==",
            keep: &[("bin/opencode", "bin/opencode")],
        },
    ]),
    environment,
    files,
};

/// What it would otherwise fetch.
const OFF: [&str; 4] = [
    "OPENCODE_DISABLE_AUTOUPDATE",
    "OPENCODE_DISABLE_DEFAULT_PLUGINS",
    "OPENCODE_DISABLE_LSP_DOWNLOAD",
    "OPENCODE_DISABLE_MODELS_FETCH",
];

fn environment(local: &Local<'_>) -> Vec<Variable> {
    let mut all: Vec<Variable> = OFF.iter().map(|name| (*name, "1".into())).collect();
    // In a variable, so that nothing is written into the workspace (requirement D16).
    all.push(("OPENCODE_CONFIG_CONTENT", config(local).to_string().into()));
    all
}

fn config(local: &Local<'_>) -> Value {
    let mut model = json!({ "name": local.model, "tool_call": true });
    // Without a limit it never makes a conversation shorter.
    if let (Some(context), Some(model)) = (local.context, model.as_object_mut()) {
        let limit = json!({ "context": context, "output": output(context) });
        model.insert("limit".to_owned(), limit);
    }
    let name = format!("llama/{}", local.model);
    let mut models = Map::new();
    models.insert(local.model.to_owned(), model);
    json!({
        "$schema": "https://opencode.ai/config.json",
        "model": name,
        // Its own choice for titles is a model elsewhere, which would be sent the prompt
        // (requirement C16).
        "small_model": name,
        "enabled_providers": ["llama"],
        "autoupdate": false,
        "share": "disabled",
        "provider": {
            "llama": {
                "npm": "@ai-sdk/openai-compatible",
                "name": "llama-server",
                "options": {
                    "baseURL": format!("{}/v1", local.url),
                    "apiKey": "local",
                    "timeout": false,
                },
                "models": models,
            },
        },
    })
}

fn files(_local: &Local<'_>) -> Vec<GuestFile> {
    Vec::new()
}
