//! `qvm models …`.

use std::{fmt::Write as _, path::Path};

use host_bridge::link::State;
use models::{Id, Models, Profile, Source, edit};
use serde::Serialize;

use super::{
    args::ModelsAction,
    serve::{path, read, wrong},
};
use crate::{
    error::{Error, plain},
    policy::{host::Host, model, units::show_bytes},
    serve::{self, Info, weights},
};

/// Does it.
pub fn main(action: ModelsAction, host: &Host) -> Result<u8, Error> {
    let models = read(host)?;
    match action {
        ModelsAction::Ls(args) => list(&models, host, args.json)?,
        ModelsAction::Add { id, source, context, default, args } => {
            add(&id, &source, Given { context, default, args }, host)?;
        }
        ModelsAction::Rm { id } => {
            let id = id.parse().map_err(wrong)?;
            change(host, |text, file| edit::remove(text, &id, file))?;
            super::say(&format!(
                "{id} is no longer in {}; its files are kept",
                path(host).display()
            ));
        }
        ModelsAction::Default { id } => {
            let id = id.parse().map_err(wrong)?;
            change(host, |text, file| edit::set_default(text, &id, file))?;
            super::say(&format!("{id} is used where no other is asked for"));
        }
        ModelsAction::Switch { model: asked } => {
            let (_, choice) = model::choose(&asked, &models, host).map_err(wrong)?;
            let profile = serve::choose(&models, &choice).map_err(Error::Model)?;
            weights::fetch(&profile, host, &[], false).map_err(Error::Model)?;
            let info = serve::switch(choice)?;
            super::say(&format!("{} is loaded", plain(&info.name)));
        }
        ModelsAction::Pull { model: asked } => {
            let (_, choice) = model::choose(&asked, &models, host).map_err(wrong)?;
            let profile = serve::choose(&models, &choice).map_err(Error::Model)?;
            let weights = weights::fetch(&profile, host, &[], false).map_err(Error::Model)?;
            for part in weights.parts {
                super::print(&format!("{}\n", part.path.display()))?;
            }
        }
        ModelsAction::Import { file } => import(&file, host)?,
    }
    Ok(0)
}

/// What is said of a model beside its weights.
#[derive(Debug, Default)]
struct Given {
    context: Option<u32>,
    default: bool,
    args: Vec<String>,
}

/// Adds a model. Weights of this machine must be there; others are fetched when they are needed.
fn add(id: &str, source: &str, given: Given, host: &Host) -> Result<(), Error> {
    let Given { context, default, args } = given;
    for arg in &args {
        models::flags::check(arg.as_ref()).map_err(wrong)?;
    }
    let source: Source = source.parse().map_err(wrong)?;
    let source = source.absolute(&host.dirs.home, &host.cwd);
    if let Source::File(path) = &source {
        models::Weights::open(path).map_err(wrong)?;
    }
    let id: Id = id.parse().map_err(wrong)?;
    let profile = Profile { context, args, ..Profile::new(id.clone(), source) };
    change(host, |text, file| {
        let text = edit::add(text, &profile, file)?;
        if default { edit::set_default(&text, &id, file) } else { Ok(text) }
    })?;
    super::say(&format!("{id} is in {}", path(host).display()));
    Ok(())
}

/// Adds the models of another program's file.
fn import(from: &Path, host: &Host) -> Result<(), Error> {
    let name = from.display().to_string();
    let text = std::fs::read_to_string(from)
        .map_err(|error| Error::Model(format!("cannot read {name}: {error}")))?;
    let imported = models::import::parse(&text, &name).map_err(wrong)?;
    change(host, |text, file| {
        imported
            .profiles
            .iter()
            .try_fold(text.to_owned(), |text, profile| edit::add(&text, profile, file))
    })?;
    for note in &imported.notes {
        super::say(&format!("note: {name}: {}", plain(note)));
    }
    super::say(&format!("{} models are in {}", imported.profiles.len(), path(host).display()));
    Ok(())
}

/// Changes `models.toml`: all of it or nothing.
fn change(
    host: &Host,
    change: impl FnOnce(&str, &Path) -> Result<String, edit::EditError>,
) -> Result<(), Error> {
    let file = path(host);
    let text = models::config::text(&file).map_err(wrong)?.unwrap_or_default();
    let new = change(&text, &file).map_err(wrong)?;
    edit::write(&file, &new).map_err(wrong)
}

/// A model as it is listed.
#[derive(Debug, Serialize)]
struct Listed {
    id: String,
    name: String,
    source: String,
    context: Option<u32>,
    hidden: bool,
    default: bool,
    /// Bytes of its files; absent if they are not on this machine.
    bytes: Option<u64>,
    /// `running`, `starting`, … if it is the server's.
    state: Option<State>,
}

fn list(models: &Models, host: &Host, json: bool) -> Result<(), Error> {
    let running = serve::info().ok();
    let listed = listed(models, running.as_ref(), |profile| bytes(profile, host));
    if json {
        return super::print(&super::json(&listed));
    }
    let failure = running.and_then(|info| info.failure);
    super::print(&text(&listed, failure.as_deref()))
}

fn listed(
    models: &Models,
    running: Option<&Info>,
    bytes: impl Fn(&Profile) -> Option<u64>,
) -> Vec<Listed> {
    let default = models.default_profile().map(|profile| &profile.id);
    models
        .profiles
        .iter()
        .map(|profile| Listed {
            id: profile.id.to_string(),
            name: profile.label().to_owned(),
            source: profile.model.to_string(),
            context: profile.context,
            hidden: profile.hidden,
            default: default == Some(&profile.id),
            bytes: bytes(profile),
            state: running.filter(|info| info.model == profile.id.as_str()).map(|info| info.state),
        })
        .collect()
}

fn bytes(profile: &Profile, host: &Host) -> Option<u64> {
    let weights = weights::there(profile, &host.dirs.home, &host.dirs.cache).ok()?;
    weights.parts.iter().map(|part| std::fs::metadata(&part.path).ok().map(|m| m.len())).sum()
}

/// For people: what is hidden is counted, unless it is the server's.
fn text(listed: &[Listed], failure: Option<&str>) -> String {
    if listed.is_empty() {
        return "no model is configured; `qvm models add ID SOURCE` adds one\n".into();
    }
    let (shown, hidden): (Vec<_>, Vec<_>) =
        listed.iter().partition(|model| !model.hidden || model.state.is_some());
    let mut text = table(&shown);
    if !hidden.is_empty() {
        let _ = writeln!(text, "hidden: {}; --json lists all", hidden.len());
    }
    if let Some(failure) = failure {
        let _ = writeln!(text, "the server could not load {}", plain(failure));
    }
    text
}

fn table(listed: &[&Listed]) -> String {
    let width = listed.iter().map(|model| model.id.len()).max().unwrap_or(0).max(2);
    let mut text = format!("  {:<width$}  CONTEXT  SIZE      STATE     MODEL\n", "ID");
    for model in listed {
        let mark = if model.default { '*' } else { ' ' };
        let context = model.context.map_or_else(|| "-".into(), |tokens| tokens.to_string());
        let size = model.bytes.map_or_else(|| "absent".into(), show_bytes);
        let state = match model.state {
            Some(State::Running) => "loaded",
            Some(State::Starting) => "loading",
            Some(State::Idle) => "stopped",
            None => "-",
        };
        let what = plain(&format!("{} ({})", model.name, model.source));
        let _ = writeln!(
            text,
            "{mark} {:<width$}  {context:<7}  {size:<8}  {state:<8}  {what}",
            model.id
        );
    }
    text
}

#[cfg(test)]
#[path = "models_test.rs"]
mod tests;
