//! goose.

use super::{Agent, GuestFile, Local, Source, Variable, private, text};

/// See the module.
pub const AGENT: Agent = Agent {
    name: "goose",
    about: "goose",
    source: Source::Absent("neither npm nor PyPI carries it"),
    environment,
    files,
};

fn environment(local: &Local<'_>) -> Vec<Variable> {
    let mut all: Vec<Variable> = vec![
        ("GOOSE_PROVIDER", "openai".into()),
        ("GOOSE_MODEL", local.model.into()),
        ("OPENAI_HOST", local.url.into()),
        ("OPENAI_BASE_PATH", "v1/chat/completions".into()),
        ("OPENAI_API_KEY", "local".into()),
        ("GOOSE_MODE", "auto".into()),
        ("GOOSE_DISABLE_KEYRING", "1".into()),
        ("GOOSE_DISABLE_SESSION_NAMING", "true".into()),
        ("GOOSE_TELEMETRY_ENABLED", "false".into()),
    ];
    if let Some(context) = local.context {
        all.push(("GOOSE_CONTEXT_LIMIT", context.to_string().into()));
    }
    all
}

/// Without this file it begins with its wizard, whatever the variables say.
fn files(local: &Local<'_>) -> Vec<GuestFile> {
    let config = format!(
        "GOOSE_PROVIDER: openai\n\
         GOOSE_MODEL: {}\n\
         GOOSE_TELEMETRY_ENABLED: false\n\
         extensions:\n  \
           developer:\n    \
             enabled: true\n    \
             type: builtin\n    \
             name: developer\n    \
             bundled: true\n    \
             timeout: 300\n",
        text::quoted(local.model),
    );
    vec![private(local, ".config/goose/config.yaml", config)]
}
