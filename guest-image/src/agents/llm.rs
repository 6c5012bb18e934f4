//! The program `llm`.

use super::{Agent, GuestFile, Local, Source, Variable, private, text};

/// See the module.
pub const AGENT: Agent = Agent {
    name: "llm",
    about: "llm, prompts from the command line",
    source: Source::PyPI {
        version: "0.36",
        requirements: include_str!("../../agents/llm.txt"),
        entry: ("llm.cli", "cli"),
    },
    environment,
    files,
};

/// Its directory below the home.
const FOLDER: &str = ".config/io.datasette.llm";

fn environment(local: &Local<'_>) -> Vec<Variable> {
    vec![("LLM_USER_PATH", local.home.join(FOLDER).into())]
}

fn files(local: &Local<'_>) -> Vec<GuestFile> {
    let model = text::quoted(local.model);
    let models = format!(
        "- model_id: {model}\n  model_name: {model}\n  api_base: {}\n  supports_tools: true\n",
        text::quoted(format!("{}/v1", local.url)),
    );
    vec![
        private(local, &format!("{FOLDER}/extra-openai-models.yaml"), models),
        private(local, &format!("{FOLDER}/default_model.txt"), format!("{}\n", local.model)),
    ]
}
