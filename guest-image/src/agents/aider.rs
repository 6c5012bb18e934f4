//! aider.

use serde_json::{Map, json};

use super::{Agent, GuestFile, Local, Source, Variable, output, private, text};

/// See the module.
pub const AGENT: Agent = Agent {
    name: "aider",
    about: "aider",
    source: Source::Absent("its packages need a Python older than the 3.13 of the image"),
    environment,
    files,
};

fn environment(local: &Local<'_>) -> Vec<Variable> {
    let model = name(local);
    vec![
        ("OPENAI_API_BASE", format!("{}/v1", local.url).into()),
        ("OPENAI_API_KEY", "local".into()),
        ("AIDER_MODEL", model.clone().into()),
        ("AIDER_WEAK_MODEL", model.clone().into()),
        ("AIDER_EDITOR_MODEL", model.into()),
        ("AIDER_SHOW_MODEL_WARNINGS", "false".into()),
        ("AIDER_CHECK_UPDATE", "false".into()),
        ("AIDER_SHOW_RELEASE_NOTES", "false".into()),
        ("AIDER_ANALYTICS_DISABLE", "true".into()),
        ("AIDER_GITIGNORE", "false".into()),
        // Its library would fetch a list of prices.
        ("LITELLM_LOCAL_MODEL_COST_MAP", "True".into()),
    ]
}

/// The prefix chooses the protocol.
fn name(local: &Local<'_>) -> String {
    format!("openai/{}", local.model)
}

fn files(local: &Local<'_>) -> Vec<GuestFile> {
    let Some(context) = local.context else {
        return Vec::new();
    };
    let mut models = Map::new();
    let model = json!({
        "max_input_tokens": context,
        "max_output_tokens": output(context),
        "max_tokens": output(context),
        "input_cost_per_token": 0,
        "output_cost_per_token": 0,
        "litellm_provider": "openai",
        "mode": "chat",
    });
    models.insert(name(local), model);
    vec![private(local, ".aider.model.metadata.json", text::json(&models.into()))]
}
