//! A development shell as a layer: the store paths that it needs, and no other of the host's store.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use serde::Serialize;

use super::closure::{StorePath, bring, closure, on_disk};
use super::environment::{Environment, Told};
use super::run::Task;
use super::{Flake, Nix, NixError, Workshop, version};
use crate::build::{Contents, Order, carry_out};
use crate::debian::on_path;
use crate::layer::stage::mkfs;
use crate::origin::Origin;
use crate::shelf::Shelf;
use crate::{Arch, BootstrapError, Cache, Digest, Layer, Phase, Progress, files};

/// Raised when something else would be made of the same closure.
const BUILDER: u32 = 1;

/// Most bytes that Nix may say about an environment.
const LIMIT: usize = 32 << 20;

/// Time stamp of all files, as the store has it.
const EPOCH: u64 = 1;

/// What login shells read, and the part of it that only bash can.
const PROFILE: &str = "etc/profile.d/qvm-dev-env.sh";
const SCRIPT: &str = "etc/qvm/dev-env.bash";

const DOING: &str = "computing the development shell with Nix";

/// A development shell, ready for a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DevShell {
    /// Its store paths, to be laid above the root.
    pub layer: Layer,
    /// What commands get of it.
    pub environment: Environment,
}

/// What a layer is made of. Its digest names it.
#[derive(Serialize)]
struct Recipe<'a> {
    builder: u32,
    arch: Arch,
    paths: Vec<&'a Path>,
    environment: &'a Environment,
    script: &'a str,
}

/// The development shell of a flake: computed where the flake is not what it was the last time.
///
/// # Errors
/// See [`NixError`]; the cache then has what it had.
pub fn dev_shell(
    cache: &Cache,
    nix: &Nix,
    flake: &Flake,
    progress: &mut dyn FnMut(Progress),
) -> Result<DevShell, NixError> {
    let source = format!("shell:{flake}");
    let shop = Workshop::enter(cache, progress)?;
    let log = shop.dir.join("log");
    let state = flake.state(nix, &log)?;
    if let Some(origin) = cache.origin(&source).filter(|origin| origin.state == Some(state)) {
        if let Some(shell) = known(cache, &origin.digest) {
            return Ok(shell);
        }
    }

    version::of(nix)?;
    progress(Progress::start(Phase::Nix));
    // The link keeps all of it from the collector of garbage until it is packed, and Nix itself
    // has found out what the environment refers to.
    let link = shop.dir.join("profile");
    let flake_text = flake.to_string();
    let words: [&OsStr; 6] = [
        "print-dev-env".as_ref(),
        "--json".as_ref(),
        "--no-write-lock-file".as_ref(),
        "--profile".as_ref(),
        link.as_os_str(),
        flake_text.as_ref(),
    ];
    let task = Task { doing: DOING, limit: LIMIT, patience: None, log: Some(&log) };
    let garbage = |what: String| NixError::Garbage { doing: DOING, what };
    let told = Told::parse(&nix.run(&words, &task)?).map_err(garbage)?;
    let (environment, script) = (told.environment().map_err(garbage)?, told.script());
    let mut paths = closure(nix, &link, &log)?;
    // What it was told from is of no use in the guest.
    let own = fs::read_link(&link).and_then(|link| fs::read_link(shop.dir.join(link)));
    paths.retain(|path| own.as_ref().is_ok_and(|own| path.path != *own));

    let layer = pack(cache, nix, &paths, &environment, &script, progress)?;
    cache.record(&Origin {
        name: None,
        source,
        state: Some(state),
        digest: layer.stored().digest,
    })?;
    Ok(DevShell { layer, environment })
}

/// A shell that was computed before and is sound.
fn known(cache: &Cache, digest: &Digest) -> Option<DevShell> {
    let layer = Layer::from(cache.find_digest(Shelf::Layers, digest).ok()??);
    layer.stored().check().ok()?;
    let path = layer.stored().dir.join(files::ENVIRONMENT);
    let environment = serde_json::from_slice(&files::read_limited(&path, LIMIT as u64).ok()?);
    Some(DevShell { environment: environment.ok()?, layer })
}

fn pack(
    cache: &Cache,
    nix: &Nix,
    paths: &[StorePath],
    environment: &Environment,
    script: &str,
    progress: &mut dyn FnMut(Progress),
) -> Result<Layer, NixError> {
    let recipe = Recipe {
        builder: BUILDER,
        arch: Arch::HOST,
        paths: paths.iter().map(|path| path.path.as_path()).collect(),
        environment,
        script,
    };
    // Plain strings and numbers always have a JSON form.
    let digest = Digest::of(&serde_json::to_vec(&recipe).unwrap_or_default());
    let size = paths.iter().fold(0u64, |sum, path| sum.saturating_add(path.size));
    // Where files cannot have a second name they are copied, and the image is less than that.
    let space = size.saturating_mul(2);
    let order = Order { shelf: Shelf::Layers, digest, arch: Arch::HOST, space, manifest: None };
    let make = |into: &Path, work: &Path, progress: &mut dyn FnMut(Progress)| {
        if !on_path("mkfs.erofs", &std::env::var("PATH").unwrap_or_default()) {
            return Err(BootstrapError::from("mkfs.erofs is missing: install erofs-utils"));
        }
        let stage = work.join("stage");
        fs::create_dir_all(stage.join("nix/store"))?;
        let total = paths.len() as u64;
        for (done, StorePath { path, .. }) in (0..).zip(paths) {
            progress(Progress { phase: Phase::Closure, done, total });
            bring(&on_disk(nix, path)?, &stage.join(path.strip_prefix("/")?))?;
        }
        for (path, text) in
            [(PROFILE, environment.profile(&format!("/{SCRIPT}")).as_str()), (SCRIPT, script)]
        {
            let path = stage.join(path);
            path.parent().map_or(Ok(()), fs::create_dir_all)?;
            fs::write(path, text)?;
        }
        progress(Progress::start(Phase::Pack));
        mkfs(&stage, &into.join(files::LAYER), EPOCH, &digest, work)?;
        fs::write(into.join(files::ENVIRONMENT), serde_json::to_vec(environment)?)?;
        Ok(Contents { kernel: String::new(), packages: Vec::new() })
    };
    Ok(Layer::from(carry_out(cache, &order, &make, progress)?))
}
