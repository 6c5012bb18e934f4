//! Codex.

use std::fmt::Write as _;

use super::{Agent, GuestFile, Local, Npm, Source, Variable, private, text};

/// See the module. Of a package the program and what it starts are kept; what it speaks with by
/// voice is not.
pub const AGENT: Agent = Agent {
    name: "codex",
    about: "OpenAI Codex",
    source: Source::Npm(&[
        Npm {
            arch: "x86_64",
            package: "@openai/codex",
            version: "0.169.0-linux-x64",
            agent: "0.169.0",
            integrity: "sha512-o05NyAOCDygSPRo1yinzxvkRSdmsZyBD9E7mbpmjRanSfM8lypqWtQgEo4XfNkwhuCR2aFu8mlGOsQGFXVbVww==",
            keep: &[
                ("vendor/x86_64-unknown-linux-musl/bin/codex", "bin/codex"),
                (
                    "vendor/x86_64-unknown-linux-musl/bin/codex-code-mode-host",
                    "bin/codex-code-mode-host",
                ),
            ],
        },
        Npm {
            arch: "aarch64",
            package: "@openai/codex",
            version: "0.169.0-linux-arm64",
            agent: "0.169.0",
            integrity: "sha512-NZ/DaQUpcQmxmqee7Z9uC1rzw3GhSbooawcaTe1LN5Yk+WlinUKGdTXJgClRT/9ogQEEM9TWxYzvxPfj5G/xFg==",
            keep: &[
                ("vendor/aarch64-unknown-linux-musl/bin/codex", "bin/codex"),
                (
                    "vendor/aarch64-unknown-linux-musl/bin/codex-code-mode-host",
                    "bin/codex-code-mode-host",
                ),
            ],
        },
    ]),
    environment,
    files,
};

fn environment(_local: &Local<'_>) -> Vec<Variable> {
    Vec::new()
}

fn files(local: &Local<'_>) -> Vec<GuestFile> {
    vec![private(local, ".codex/config.toml", config(local))]
}

/// Its whole configuration. The machine is the sandbox, so it needs none of its own.
fn config(local: &Local<'_>) -> String {
    let mut text = format!("model = {}\n", text::quoted(local.model));
    text.push_str(
        "model_provider = \"qvm\"\n\
         approval_policy = \"never\"\n\
         sandbox_mode = \"danger-full-access\"\n\
         check_for_update_on_startup = false\n\
         web_search = \"disabled\"\n",
    );
    if let Some(context) = local.context {
        // It takes an unknown model to have 272,000. Room is left for the answer.
        let compact = u64::from(context) * 3 / 4;
        let _ = writeln!(text, "model_context_window = {context}");
        let _ = writeln!(text, "model_auto_compact_token_limit = {compact}");
    }
    let _ = write!(
        text,
        "\n[model_providers.qvm]\n\
         name = \"llama-server\"\n\
         base_url = {}\n\
         wire_api = \"responses\"\n\
         stream_idle_timeout_ms = 3600000\n\
         \n[analytics]\nenabled = false\n\
         \n[feedback]\nenabled = false\n\
         \n[otel]\nexporter = \"none\"\n\
         \n[notice]\nhide_full_access_warning = true\n\
         \n[projects.{}]\ntrust_level = \"trusted\"\n",
        text::quoted(format!("{}/v1", local.url)),
        text::quoted(text::path(local.workspace)),
    );
    text
}
