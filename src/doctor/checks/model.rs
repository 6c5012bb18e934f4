//! Models: what is configured, what of it is here, and whether it computes.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    time::Duration,
};

use host_bridge::link::State;
use models::{
    Models, Profile, Source,
    gpu::{self, Grants},
};

use super::server;
use crate::{
    cli,
    doctor::report::Finding,
    error::line,
    policy::{host::Host, units::show_bytes},
    serve::{self, Computed, Info, weights, weights::Weights},
};

/// A model is loaded and asked within this, or counts as unusable.
const PATIENCE: Duration = Duration::from_secs(60);

/// All of them. No program in `shared` is run.
pub fn all(host: &Host, shared: &[PathBuf], compute: bool) -> Vec<Finding> {
    let file = cli::serve::path(host);
    let read = models::config::read(&file);
    let broken = read.as_ref().err().map(|e| line(e));
    let models = read.unwrap_or_default();
    let running = serve::info().ok();

    let found = cli::serve::find(None, shared, &models, host).map_err(|e| line(&e));
    let program = found.as_ref().ok();
    let version = program.map(serve::version);
    let mut findings = server::program(&found, version.as_ref());
    // Without its sandbox it is not asked anything else.
    let program = program.filter(|_| matches!(version, Some(Ok(_))));
    let mut granted = Grants::default();
    if let Some(program) = program {
        let devices = gpu::devices(Path::new("/dev"));
        let grants = gpu::grants(models.gpu, program, &devices);
        let usable = (!grants.is_empty()).then(|| serve::usable(program, &grants));
        findings.push(server::gpu(models.gpu, &program.program, &devices, usable.as_ref()));
        if matches!(&usable, Some(Ok(usable)) if !usable.is_empty()) {
            granted = grants;
        }
    }

    let default = models.default_profile();
    let there = default.map(|p| weights::there(p, &host.dirs.home, &host.dirs.cache));
    findings.push(match broken {
        // Every run reads it.
        Some(why) => Finding::fail("models", why, "mend or remove the file"),
        None => configured(&file, &models, there.as_ref()),
    });
    let there = there.and_then(Result::ok);
    let size = default.zip(there.as_ref()).and_then(|(p, weights)| tokens(p, weights));
    findings.extend(size.map(context));

    let running = running.filter(|info| info.state != State::Idle);
    let computed = match (program, default, &there) {
        // It computes to warm up, and a second one may find no memory.
        _ if running.is_some() => None,
        (Some(program), Some(profile), Some(weights)) if compute || !granted.is_empty() => {
            Some(serve::compute(program, profile, weights, &granted, PATIENCE))
        }
        _ => None,
    };
    let wanted = program.is_some() && (compute || !granted.is_empty());
    findings.extend(computation(wanted, running.as_ref(), computed.as_ref(), &granted));
    findings.push(messages(running.as_ref(), computed.as_ref()));
    findings
}

/// The file, and the files of the default model.
fn configured(file: &Path, models: &Models, there: Option<&Result<Weights, String>>) -> Finding {
    let file = file.display();
    let count = match models.profiles.len() {
        1 => "1 model".to_owned(),
        count => format!("{count} models"),
    };
    match (models.default_profile(), there) {
        (Some(profile), Some(Ok(weights))) => {
            let size = weights.parts.iter().map(|part| Some(part.path.metadata().ok()?.len()));
            let size = size.sum::<Option<u64>>().map(show_bytes).unwrap_or_default();
            Finding::ok("models", format!("{file} has {count}; {} is used, {size}", profile.id))
        }
        (Some(Profile { id, model: Source::Hub(_), .. }), Some(Err(_))) => Finding::warn(
            "models",
            format!("{file} has {count}; {id} is used, and not on this machine yet"),
            format!("the first run fetches it, or `qvm models pull {id}` now"),
        ),
        (Some(Profile { id, .. }), Some(Err(why))) => Finding::warn(
            "models",
            format!("{id} is used, but {why}"),
            format!("mend it in {file}, or use another with `qvm models default ID`"),
        ),
        _ if models.profiles.is_empty() => Finding::ok(
            "models",
            format!("{file} has none, so that machines have none but by --model or --upstream"),
        ),
        _ => Finding::ok(
            "models",
            format!("{file} has {count}; none is used where --model says nothing"),
        ),
    }
}

/// The context of a model in tokens: what is asked for, and no more than it was made for.
fn tokens(profile: &Profile, weights: &Weights) -> Option<u32> {
    let own: Vec<_> = profile.args.iter().map(OsString::from).collect();
    let asked = models::context_of(&own).or(profile.context);
    let first = weights.parts.first();
    let made_for = first.and_then(|part| models::gguf::open(&part.path).ok()?.context);
    // Zero is a way to say nothing.
    let [asked, made_for] = [asked, made_for].map(|tokens| tokens.filter(|tokens| *tokens > 0));
    asked.into_iter().chain(made_for).min()
}

/// Whether an agent finds room in it.
fn context(tokens: u32) -> Finding {
    match models::context_note(tokens, "claude") {
        None => Finding::ok("context", format!("{tokens} tokens at most")),
        Some(note) => {
            let (fact, advice) = note.split_once("; ").unwrap_or((&note, ""));
            Finding::warn("context", fact, format!("{advice}, or use a model with a larger one"))
        }
    }
}

/// Whether the default model computes here. `wanted`: that there is reason to try.
fn computation(
    wanted: bool,
    running: Option<&Info>,
    computed: Option<&Result<Computed, String>>,
    gpu: &Grants,
) -> Option<Finding> {
    let check = "computation";
    let finding = match (running, computed) {
        (Some(info), _) => {
            let on = if info.devices.is_empty() { "the CPU" } else { "the GPU" };
            let state = if info.state == State::Running { "served" } else { "loaded" };
            Finding::ok(check, format!("{} is being {state} on {on}", info.name))
        }
        (None, None) if wanted => Finding::warn(
            check,
            "not tried, as no default model is on this machine",
            "`qvm models add ID SOURCE --default` and `qvm models pull ID`",
        ),
        (None, None) => return None,
        (None, Some(Err(why))) => {
            Finding::warn(check, why, "`qvm serve -v` shows all that the server says")
        }
        (None, Some(Ok(done))) => {
            let seconds = done.took.as_secs_f64();
            match (gpu.is_empty(), done.layers) {
                (true, _) => Finding::ok(check, format!("a token from the CPU in {seconds:.1} s")),
                (false, Some((0, _))) => Finding::warn(
                    check,
                    format!("a token in {seconds:.1} s, but no layer of the model on the GPU"),
                    "free memory of the GPU, or use a smaller model",
                ),
                (false, Some((on_gpu, all))) => Finding::ok(
                    check,
                    format!(
                        "a token in {seconds:.1} s, {on_gpu} of {all} layers of the model on the GPU"
                    ),
                ),
                (false, None) => {
                    Finding::ok(check, format!("a token in {seconds:.1} s, with the GPU granted"))
                }
            }
        }
    };
    Some(finding)
}

/// Whether claude can talk to the server.
fn messages(running: Option<&Info>, computed: Option<&Result<Computed, String>>) -> Finding {
    let check = "/v1/messages";
    let tried = computed.and_then(|done| Some(done.as_ref().ok()?.messages));
    match running.map_or(tried, |info| info.messages) {
        Some(true) => Finding::ok(check, "is served, which claude needs"),
        Some(false) => Finding::warn(
            check,
            "is not served, which claude needs",
            format!("use {}", models::server::OLDEST),
        ),
        None => Finding::ok(check, "not known, as no server runs (see --try-model)"),
    }
}

#[cfg(test)]
#[path = "model_test.rs"]
mod tests;
