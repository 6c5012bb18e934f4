//! An image from a flake.

use std::ffi::OsStr;
use std::path::PathBuf;

use serde::Deserialize;

use super::closure::on_disk;
use super::run::Task;
use super::{Flake, Nix, NixError, Workshop, version};
use crate::origin::Origin;
use crate::ready::adopt;
use crate::shelf::Shelf;
use crate::{Cache, CacheError, Image, Phase, Progress};

/// Most bytes that Nix may say about what it built.
const LIMIT: usize = 1 << 20;

const DOING: &str = "building the image with Nix";

/// An element of what `nix build --json` says.
#[derive(Deserialize)]
struct Built {
    outputs: std::collections::BTreeMap<String, PathBuf>,
}

/// The image that a flake gives: a package whose output is a directory as the cache's images are.
/// It is built where the flake is not what it was the last time. `name` is what people call it.
///
/// # Errors
/// See [`NixError`]; the cache then has what it had.
pub fn flake_image(
    cache: &Cache,
    nix: &Nix,
    flake: &Flake,
    name: Option<&str>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Image, NixError> {
    let source = source(flake);
    let shop = Workshop::enter(cache, progress)?;
    let log = shop.dir.join("log");
    let state = flake.state(nix, &log)?;
    if let Some(origin) = cache.origin(&source).filter(|origin| origin.state == Some(state)) {
        if let Ok(Some(image)) = cache.find_digest(Shelf::Images, &origin.digest) {
            // One that is damaged is made again.
            if image.check().is_ok() {
                return Ok(image);
            }
        }
    }

    version::of(nix)?;
    progress(Progress::start(Phase::Nix));
    // Kept from the collector of garbage until it is copied.
    let link = shop.dir.join("result");
    let flake_text = flake.to_string();
    let words: [&OsStr; 7] = [
        "build".as_ref(),
        "--json".as_ref(),
        "--no-write-lock-file".as_ref(),
        "--print-build-logs".as_ref(),
        "--out-link".as_ref(),
        link.as_os_str(),
        flake_text.as_ref(),
    ];
    let task = Task { doing: DOING, limit: LIMIT, patience: None, log: Some(&log) };
    let garbage = |what: String| NixError::Garbage { doing: DOING, what };
    let built: Vec<Built> =
        serde_json::from_slice(&nix.run(&words, &task)?).map_err(|e| garbage(e.to_string()))?;
    let [Built { outputs }] = built.as_slice() else {
        return Err(garbage("not one package".into()));
    };
    let output = outputs.get("out").or_else(|| outputs.values().next());
    let output = output.ok_or_else(|| garbage("no output".into()))?;
    let place = on_disk(nix, output)?;
    let store = place.parent().unwrap_or(&place);
    let image = adopt(cache, &place, store, progress)
        .map_err(|source| NixError::Image { flake: flake_text.clone(), source })?;
    let name = name.map(str::to_owned);
    cache.record(&Origin { name, source, state: Some(state), digest: image.digest })?;
    Ok(image)
}

impl Cache {
    /// The image that this flake gave the last time, if it is still there.
    ///
    /// # Errors
    /// [`CacheError::Image`] where its manifest is damaged.
    pub fn made_from(&self, flake: &Flake) -> Result<Option<Image>, CacheError> {
        match self.origin(&source(flake)) {
            Some(origin) => self.find_digest(Shelf::Images, &origin.digest),
            None => Ok(None),
        }
    }
}

fn source(flake: &Flake) -> String {
    format!("flake:{flake}")
}

#[cfg(test)]
#[path = "image_test.rs"]
mod tests;
