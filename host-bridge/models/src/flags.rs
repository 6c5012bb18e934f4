//! Options of the model server that qvm does not pass on.
//!
//! The server parses input of a guest that is not trusted. Whatever lets it read or write further
//! files, use the network, run programs, or listen elsewhere is refused by name; everything else
//! passes, known or not. The sandbox around the server would stop most of it too: this says so
//! early, and in words.

use std::ffi::OsStr;

/// Why an argument is not passed on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FlagError {
    /// One of the refused options.
    #[error("{flag} is not passed to the model server: {why}")]
    Refused {
        /// As it was written, without its value.
        flag: String,
        /// Completes the sentence.
        why: &'static str,
    },
    /// More than any server takes.
    #[error("too many arguments for a model server; at most 128")]
    TooMany,
    /// A path of the sandbox that the server would take for several.
    #[error("{0:?} cannot be handed to the model server: its path has a comma or is no text")]
    Path(String),
    /// Where the server should listen.
    #[error("{0:?} is no socket of a model server: its path ends in .sock and has no comma")]
    Socket(String),
}

const LISTENER: &str = "qvm decides where it listens, and only qvm's bridge talks to it";
const TOOLS: &str = "it lets the guest run programs on the host";
const SERVERS: &str = "it starts programs on the host or sends the guest's requests elsewhere";
const NETWORK: &str = "the server has no network; name the model in models.toml and qvm fetches it";
const MODEL: &str = "qvm passes the model's file; name it with `model` in models.toml";
const READS: &str = "it reads a file that the server's sandbox does not have";
const WRITES: &str = "it writes files";
const ROUTER: &str = "qvm switches models itself; list them in models.toml";
const PROJECTOR: &str = "write it as `mmproj` in models.toml";
const DRAFT: &str = "a second model's file is not in the server's sandbox";
const PAGE: &str = "qvm's bridge does not let the server's web page through";
const SHARED: &str = "it lets one guest change the server for all others";
const PRESET: &str = "it fetches a model of its own; name one in models.toml";

/// Names (with `_` as `-`) and why. A name that ends in `*` stands for all that begin so.
const REFUSED: &[(&str, &[&str])] = &[
    (
        LISTENER,
        &["--host", "--port", "--reuse-port", "--api-prefix", "--api-key", "--api-key-file"],
    ),
    (LISTENER, &["--ssl-*", "--alias", "-a"]),
    (TOOLS, &["--tools", "--tools-*", "--agent", "-ag", "--video-ffmpeg-dir"]),
    (SERVERS, &["--mcp-*", "--ui-mcp-*", "--webui-mcp-*", "--rpc"]),
    (
        NETWORK,
        &["-hf", "-hfr", "-hff", "-hft", "-hfd", "-hfrd", "-hfv", "-hfrv", "-hffv", "--hf-*"],
    ),
    (NETWORK, &["--model-url", "-mu", "--docker-repo", "-dr", "--mmproj-url", "-mmu"]),
    (NETWORK, &["--spec-draft-hf"]),
    (MODEL, &["--model", "-m"]),
    (ROUTER, &["--models-*"]),
    (PROJECTOR, &["--mmproj", "-mm"]),
    (DRAFT, &["--spec-draft-model", "-md", "--model-draft", "--model-vocoder", "-mv"]),
    (READS, &["--lora", "--lora-scaled", "--lora-base", "--control-vector"]),
    (READS, &["--control-vector-scaled", "--lookup-cache-static", "-lcs", "--grammar-file"]),
    (READS, &["--json-schema-file", "-jf", "--chat-template-file", "--media-path", "--path"]),
    (READS, &["--ui-config-file", "--webui-config-file", "--file", "-f", "--binary-file", "-bf"]),
    (READS, &["--public-path", "--tts-speaker-file", "--system-prompt-file", "-spf"]),
    (READS, &["--image", "--audio", "--context-file"]),
    (WRITES, &["--slot-save-path", "--log-file", "--log-prompts-dir", "--prompt-cache"]),
    (WRITES, &["--lookup-cache-dynamic", "-lcd", "--log-dir", "--logdir", "--output", "-o"]),
    (PAGE, &["--ui", "--webui", "--ui-config", "--webui-config"]),
    (SHARED, &["--props", "--slots"]),
    // What llamafile adds: its listener, its browser, its chat, its way around its own sandbox.
    (LISTENER, &["--url-prefix", "--listen", "--unsecure"]),
    (PAGE, &["--gui", "--chat", "--cli"]),
];

/// Presets that download: these prefixes with this ending, and `--spec-default` apart.
const PRESETS: &[&str] = &["--embd-", "--fim-", "--gpt-oss-", "--vision-", "--tts-"];

/// Whether an argument may be passed on. Values are looked at like options: one that reads like a
/// refused option is refused too.
///
/// # Errors
/// [`FlagError::Refused`].
pub fn check(arg: &OsStr) -> Result<(), FlagError> {
    let written = arg.to_string_lossy();
    if !written.starts_with('-') {
        return Ok(());
    }
    let name = written.split(['=', ' ']).next().unwrap_or_default();
    // The server reads `--slot_save_path` as `--slot-save-path`.
    let plain = name.to_ascii_lowercase().replace('_', "-");
    // `-M` is another option than `-m`; long names have no capitals.
    let plain = if name.starts_with("--") { plain } else { name.replace('_', "-") };
    let hits = |pattern: &&str| match pattern.strip_suffix('*') {
        Some(start) => plain.starts_with(start),
        None => plain == *pattern,
    };
    let listed = REFUSED.iter().find(|(_, names)| names.iter().any(&hits));
    let preset = || {
        let ending = plain.ends_with("-default") || plain.ends_with("-spec");
        (ending && PRESETS.iter().any(|start| plain.starts_with(start))).then_some(PRESET)
    };
    match listed.map(|(why, _)| *why).or_else(preset) {
        Some(why) => Err(FlagError::Refused { flag: name.into(), why }),
        None => Ok(()),
    }
}

#[cfg(test)]
#[path = "flags_test.rs"]
mod tests;
