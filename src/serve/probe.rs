//! Whether a model is really computed here: a server of its own, in its sandbox, that is asked for
//! one token.

use std::{
    ffi::OsString,
    time::{Duration, Instant},
};

use models::{Profile, Server, gpu::Grants};
use serde_json::json;

use super::{
    health::{self, Health},
    sandbox::{self, Started},
    weights::Weights,
};
use crate::error::line;

/// Enough for one token, and the memory for it is there if anything is.
const CONTEXT: u32 = 4096;
/// At its usual verbosity the server does not tell what is on the GPU.
const TALKATIVE: [&str; 2] = ["--verbosity", "4"];
/// How often a server that loads is asked how it is.
const OFTEN: Duration = Duration::from_millis(50);

/// A token was computed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Computed {
    /// How long it took, with loading.
    pub took: Duration,
    /// Layers that a GPU computes, and all, where the server tells.
    pub layers: Option<(u32, u32)>,
    /// The server speaks Anthropic's wire.
    pub messages: bool,
}

/// Loads a model and has it compute one token, within about `patience`. The server ends after.
///
/// # Errors
/// One line.
pub fn compute(
    server: &Server,
    profile: &Profile,
    weights: &Weights,
    gpu: &Grants,
    patience: Duration,
) -> Result<Computed, String> {
    let context = Some(profile.context.unwrap_or(CONTEXT).min(CONTEXT));
    let profile = Profile { context, ..profile.clone() };
    let extra = TALKATIVE.map(OsString::from);
    let begun = Instant::now();
    let mut started =
        sandbox::start(server, &profile, weights, gpu, &extra, false).map_err(|e| line(&e))?;
    loaded(&mut started, begun + patience)?;
    let layers = started.log.lines().iter().rev().find_map(|line| layers(line));
    let asked = json!({ "prompt": "1", "n_predict": 1 });
    let reply = started
        .served
        .ask("/completion", Some(&asked))
        .map_err(|e| format!("no token was computed: {}", line(&e)))?;
    let tokens = reply.json().and_then(|json| json.get("tokens_predicted")?.as_u64());
    if reply.status != 200 || tokens.is_none_or(|tokens| tokens == 0) {
        return Err(format!("no token was computed: the server says {}", reply.status));
    }
    let took = begun.elapsed();
    let asked = health::messages_probe();
    let messages = started.served.ask("/v1/messages/count_tokens", Some(&asked));
    Ok(Computed { took, layers, messages: messages.is_ok_and(|reply| reply.status == 200) })
}

/// Waits until the server has its model.
fn loaded(started: &mut Started, deadline: Instant) -> Result<(), String> {
    loop {
        match started.served.ask("/health", None).map(|reply| health::health(&reply)) {
            Ok(Health::Well) => return Ok(()),
            Ok(Health::Ill(status)) => return Err(format!("the server says {status} to /health")),
            // It does not listen yet.
            Ok(Health::Loading) | Err(_) => {}
        }
        if let Some(status) = started.process.wait_for(OFTEN) {
            started.log.wait_for_end(OFTEN);
            let words = started.log.telling().or_else(|| started.process.last_words());
            return Err(match words {
                Some(words) => format!("the server ended: {words}"),
                None => format!("the server {status}"),
            });
        }
        if Instant::now() >= deadline {
            return Err("the model was not loaded in time".into());
        }
    }
}

/// `… offloaded 31/31 layers to GPU`.
fn layers(line: &str) -> Option<(u32, u32)> {
    let rest = line.split_once("offloaded ")?.1.strip_suffix(" layers to GPU")?;
    let (on_gpu, all) = rest.split_once('/')?;
    Some((on_gpu.parse().ok()?, all.parse().ok()?))
}

#[cfg(test)]
#[path = "probe_test.rs"]
mod tests;
