//! Claude Code.

use std::ffi::OsString;

use serde_json::json;

use super::{Agent, GuestFile, Local, Npm, Source, Variable, output, private, text};

/// See the module.
pub const AGENT: Agent = Agent {
    name: "claude",
    about: "Claude Code",
    source: Source::Npm(&[
        Npm {
            arch: "x86_64",
            package: "@anthropic-ai/claude-code-linux-x64",
            version: "2.1.330",
            agent: "2.1.330",
            integrity: "sha512-9Gn+V7DtJ8M1nztP9CeDVl9g3RtrepI7rOFTyPRRnZe8D6zebIHKmC7OvBauucuAP0X0k85SDN/LPVZyjsGezQ==",
            keep: &[("claude", "bin/claude")],
        },
        Npm {
            arch: "aarch64",
            package: "@anthropic-ai/claude-code-linux-arm64",
            version: "2.1.330",
            agent: "2.1.330",
            integrity: "sha512-V4yanAY5EA5UpwwRPtjSfqDbNqAlUJeVn3NYZw2AgmRHjdpSsLtHAzbxRXfkAnbjwTXzE0uedjQxUY02ARPcsA==",
            keep: &[("claude", "bin/claude")],
        },
    ]),
    environment,
    files,
};

/// Every name by which it asks for a model, for its background work too.
const MODELS: [&str; 7] = [
    "ANTHROPIC_MODEL",
    "ANTHROPIC_DEFAULT_FABLE_MODEL",
    "ANTHROPIC_DEFAULT_OPUS_MODEL",
    "ANTHROPIC_DEFAULT_SONNET_MODEL",
    "ANTHROPIC_DEFAULT_HAIKU_MODEL",
    "ANTHROPIC_SMALL_FAST_MODEL",
    "CLAUDE_CODE_SUBAGENT_MODEL",
];

/// Variables that never change.
const FIXED: [(&str, &str); 17] = [
    // With a key it asks whether to use that key, with a token it does not. Requirement D02: one
    // way to prove who one is, and this is it.
    ("ANTHROPIC_AUTH_TOKEN", "local"),
    ("ANTHROPIC_API_KEY", ""),
    // Otherwise each request begins with other words, and the server's work on the last prompt
    // is of no use for the next.
    ("CLAUDE_CODE_ATTRIBUTION_HEADER", "0"),
    ("CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS", "1"),
    ("CLAUDE_CODE_DISABLE_1M_CONTEXT", "1"),
    ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
    ("CLAUDE_CODE_DISABLE_OFFICIAL_MARKETPLACE_AUTOINSTALL", "1"),
    ("CLAUDE_CODE_DISABLE_FEEDBACK_SURVEY", "1"),
    ("DISABLE_TELEMETRY", "1"),
    ("DISABLE_ERROR_REPORTING", "1"),
    ("DISABLE_FEEDBACK_COMMAND", "1"),
    ("DISABLE_AUTOUPDATER", "1"),
    ("DISABLE_UPDATES", "1"),
    ("DISABLE_INSTALLATION_CHECKS", "1"),
    // A long prompt takes a local model minutes before the first word. Milliseconds.
    ("API_TIMEOUT_MS", "3600000"),
    ("BASH_DEFAULT_TIMEOUT_MS", "300000"),
    ("BASH_MAX_TIMEOUT_MS", "600000"),
];

/// Its own prompt has to fit, so it gives up at once where it is told of less, in tokens. A server
/// with less than that answers for itself.
const LEAST_CONTEXT: u32 = 32_768;

/// It complains of a smaller window to make conversations shorter for, in tokens.
const LEAST_WINDOW: u32 = 100_000;

/// What the agent itself is told about the model (requirement D07).
const NOTE: &str = "\
You run on a local model in a throwaway virtual machine without network.
Be careful: read before you edit, take small steps, and check each one.
";

fn environment(local: &Local<'_>) -> Vec<Variable> {
    let mut all: Vec<Variable> =
        FIXED.iter().map(|(name, value)| (*name, OsString::from(value))).collect();
    all.extend(MODELS.iter().map(|name| (*name, OsString::from(local.model))));
    all.push(("ANTHROPIC_BASE_URL", local.url.into()));
    if let Some(context) = local.context {
        // It takes an unknown model to have 200,000.
        if context >= LEAST_WINDOW {
            all.push(("CLAUDE_CODE_AUTO_COMPACT_WINDOW", context.to_string().into()));
        }
        let told = context.max(LEAST_CONTEXT);
        all.push(("CLAUDE_CODE_MAX_CONTEXT_TOKENS", told.to_string().into()));
        all.push(("CLAUDE_CODE_MAX_OUTPUT_TOKENS", output(context).to_string().into()));
    }
    if local.root {
        // As root it refuses to work without asking, unless it is told that this is no harm.
        all.push(("IS_SANDBOX", "1".into()));
    }
    all
}

fn files(local: &Local<'_>) -> Vec<GuestFile> {
    let state = json!({
        "hasCompletedOnboarding": true,
        "theme": "dark",
        "autoUpdates": false,
        "projects": {
            text::path(local.workspace): {
                "hasTrustDialogAccepted": true,
                "hasCompletedProjectOnboarding": true,
            },
        },
    });
    let settings = json!({
        "skipDangerousModePermissionPrompt": true,
        "alwaysThinkingEnabled": true,
        "plansDirectory": "./claude_plans",
    });
    vec![
        private(local, ".claude.json", text::json(&state)),
        private(local, ".claude/settings.json", text::json(&settings)),
        private(local, ".claude/CLAUDE.md", NOTE),
    ]
}
