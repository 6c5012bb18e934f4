//! `qvm image …`.

mod transfer;

use std::{fmt::Write as _, path::PathBuf};

use guest_image::{
    Arch, Cache, CacheError, Digest, Image, KernelRecipe, Origin, Recipe, Reporter, agents, build,
    layer_for,
};
use serde::Serialize;

use super::{args::ImageAction, base, kernel};
use crate::{
    error,
    error::Error,
    policy::{PolicyError, agents::Agents, config, flake, units::show_bytes},
    session,
};

/// Does it.
pub fn main(action: ImageAction) -> Result<u8, Error> {
    let cache = Cache::open()?;
    match action {
        ImageAction::Build { image: Some(name), force, quiet, .. } if name != "default" => {
            make_by_nix(&cache, &name, force, quiet)
        }
        ImageAction::Build { with, arch, kernel_flavour, force, quiet, .. } => {
            let arch = arch.unwrap_or(Arch::HOST);
            let recipe = Recipe::debian(arch, kernel_flavour.as_deref());
            make(&cache, &recipe, &with.unwrap_or_default(), force, quiet)
        }
        ImageAction::Export { image, file } => {
            transfer::export(&base::cached(&cache, &image)?, &file)
        }
        ImageAction::Import { from, digest, name, arch, quiet } => {
            let arch = arch.unwrap_or(Arch::HOST);
            transfer::import(&cache, &from, digest, name, arch, quiet)
        }
        ImageAction::Kernel { source, force, quiet } => {
            kernel::make(&cache, source.as_deref(), force, quiet)
        }
        ImageAction::Ls(args) => list(&cache, args.json),
        ImageAction::Rm { images } => remove(&cache, &images),
        ImageAction::Prune => {
            let pruned = cache.prune(&defaults())?;
            super::print(&format!(
                "removed {} images, {} layers and {} kernels, {}\n",
                pruned.images,
                pruned.layers,
                pruned.kernels,
                show_bytes(pruned.bytes)
            ))
        }
        ImageAction::Path { image: None, .. } => {
            super::print(&format!("{}\n", cache.root().display()))
        }
        ImageAction::Path { image: Some(name), arch, kernel_flavour } => {
            let arch = arch.unwrap_or(Arch::HOST);
            let dir = place(&cache, &name, arch, kernel_flavour.as_deref())?;
            super::print(&format!("{}\n", dir.display()))
        }
        ImageAction::Initrd { kernel: name, image } => {
            let mut image = cache.image(&image)?;
            let arch = arch_of(&image);
            kernel::choose(&cache, arch, name.as_deref(), false, &mut image)?;
            initrd(arch, &image)
        }
        ImageAction::KernelLine { accel } => {
            super::print(&format!("{}\n", session::kernel_line(accel)))
        }
        ImageAction::Verify { image } => {
            let image = cache.image_or_layer(&image)?;
            image.verify(&mut |_| {}).map_err(CacheError::from)?;
            super::print(&format!("{} is what was built\n", image.digest))
        }
    }?;
    Ok(0)
}

/// The directory of an image, a layer or a kernel. The names of the default ones mean those for
/// machines `arch`.
fn place(
    cache: &Cache,
    name: &str,
    arch: Arch,
    flavour: Option<&str>,
) -> Result<PathBuf, CacheError> {
    let found = match name {
        "default" => cache.find(&Recipe::debian(arch, flavour))?.map(|image| image.dir),
        "microvm" => cache
            .find_kernel(&KernelRecipe::debian(arch))?
            .map(|kernel| kernel.stored().dir.clone()),
        _ => Some(cache.image_or_layer(name)?.dir),
    };
    found.ok_or_else(|| CacheError::Unknown(name.to_owned()))
}

/// Writes what a run's kernel is given: measurements hand the same to other monitors.
fn initrd(arch: Arch, image: &Image) -> Result<(), Error> {
    session::join_initrd(session::initrd(arch, image)?, std::io::stdout().lock())
        .map_err(Error::Output)
}

/// The machine that an image is for; this one, where it is for none that is known.
fn arch_of(image: &Image) -> Arch {
    image.manifest.arch.parse().unwrap_or(Arch::HOST)
}

/// Digests of the images, the layers and the kernels that are used unless told otherwise, on
/// machines of every kind.
fn defaults() -> Vec<Digest> {
    let of = |arch| {
        let layer = layer_for(arch, &agents::DEFAULT).ok().flatten();
        let own = [Recipe::debian(arch, None).digest(), KernelRecipe::debian(arch).digest()];
        own.into_iter().chain(layer.map(|recipe| recipe.digest()))
    };
    Arch::ALL.into_iter().flat_map(of).collect()
}

/// Builds an image of Debian and a layer, and prints the image's digest.
fn make(
    cache: &Cache,
    recipe: &Recipe,
    with: &Agents,
    force: bool,
    quiet: bool,
) -> Result<(), Error> {
    if force {
        let layer =
            layer_for(recipe.arch, &with.names).ok().flatten().map(|recipe| recipe.digest());
        for digest in std::iter::once(recipe.digest()).chain(layer) {
            match cache.remove(&digest) {
                Ok(()) | Err(CacheError::Unknown(_)) => {}
                Err(e) => return Err(e.into()),
            }
        }
    }
    let mut reporter = Reporter::new(quiet);
    let built = build(cache, recipe, &mut |progress| reporter.update(progress));
    reporter.finish();
    let image = built?;
    base::layer(cache, recipe.arch, with, quiet)?;
    super::print(&format!("{}\n", image.digest))
}

/// Builds the image of a flake, and prints its digest.
fn make_by_nix(cache: &Cache, name: &str, force: bool, quiet: bool) -> Result<(), Error> {
    let host = super::host()?;
    let user = config::read(&host.dirs.config.join("config.toml")).map_err(PolicyError::from)?;
    let variable = host.var(flake::VARIABLE).map(std::ffi::OsString::as_os_str);
    let flake = flake::of_image(Some(name), variable, user.nixos_flake.as_ref(), &host.cwd)
        .map_err(PolicyError::from)?;
    let Some(flake) = flake else {
        // It says what is missing, or that there is nothing to make.
        base::cached(cache, name)?;
        return Err(Error::Usage(format!(
            "{name} is there already; only the default image, nixos and flake:REF#PACKAGE are built"
        )));
    };
    if force {
        if let Some(image) = cache.made_from(&flake)? {
            cache.remove(&image.digest)?;
        }
    }
    let image = base::made_by_nix(cache, &flake, Some(name), &[], quiet)?;
    super::print(&format!("{}\n", image.digest))
}

fn remove(cache: &Cache, names: &[String]) -> Result<(), Error> {
    // All are looked up before any is removed, so that a typing error removes nothing. A damaged
    // image cannot be opened, but its digest in full still names it.
    let digests: Result<Vec<Digest>, CacheError> = names
        .iter()
        .map(|name| match name.parse() {
            Ok(digest) => Ok(digest),
            Err(_) => cache.image_or_layer(name).map(|image| image.digest),
        })
        .collect();
    for digest in digests? {
        cache.remove(&digest)?;
    }
    Ok(())
}

/// All images, for programs.
#[derive(Debug, Serialize)]
struct Listing {
    cache: String,
    images: Vec<Row>,
    layers: Vec<Row>,
    kernels: Vec<Row>,
}

/// An image, a layer or a kernel, for programs.
#[derive(Debug, Clone, Serialize)]
struct Row {
    digest: String,
    default: bool,
    bytes: Option<u64>,
    /// Machine that it is for, as `uname -m` says it.
    arch: Option<String>,
    kernel: Option<String>,
    agents: Option<Vec<String>>,
    /// What people call it.
    name: Option<String>,
    /// What it was made or taken from, where that is no recipe of ours.
    source: Option<String>,
    packages: Option<usize>,
    path: Option<String>,
    error: Option<String>,
}

impl Row {
    fn new(digest: &Digest, image: &Result<Image, CacheError>, origins: &[Origin]) -> Self {
        let there = image.as_ref().ok();
        let origin = origins.iter().find(|origin| origin.digest == *digest);
        Self {
            digest: digest.to_string(),
            default: defaults().contains(digest),
            bytes: there.map(|i| i.manifest.size()),
            arch: there.map(|i| i.manifest.arch.clone()),
            kernel: there.map(|i| i.manifest.kernel.clone()).filter(|text| !text.is_empty()),
            name: origin.and_then(|origin| origin.name.clone()),
            source: origin.map(|origin| origin.source.clone()),
            agents: there.filter(|i| i.manifest.kernel.is_empty() && origin.is_none()).map(|i| {
                let all = i.manifest.packages.iter();
                all.map(|package| format!("{} {}", package.name, package.version)).collect()
            }),
            packages: there.map(|i| i.manifest.packages.len()),
            path: there.map(|i| i.dir.display().to_string()),
            error: image.as_ref().err().map(|e| error::line(e)),
        }
    }
}

fn list(cache: &Cache, json: bool) -> Result<(), Error> {
    let origins = cache.origins();
    let rows = |listed: Vec<(Digest, Result<Image, CacheError>)>| -> Vec<Row> {
        listed.iter().map(|(digest, image)| Row::new(digest, image, &origins)).collect()
    };
    let (images, layers) = (rows(cache.list()?), rows(cache.layers()?));
    let kernels = rows(cache.kernels()?);
    let text = if json {
        super::json(&Listing { cache: cache.root().display().to_string(), images, layers, kernels })
    } else {
        table(&[images, layers, kernels].concat())
    };
    super::print(&text)
}

/// For people.
fn table(rows: &[Row]) -> String {
    if rows.is_empty() {
        return "no images; `qvm image build` makes the default one\n".into();
    }
    let mut text = String::from("DIGEST        SIZE       KERNEL, AGENTS OR SOURCE\n");
    for row in rows {
        let short = row.digest.get(..12).unwrap_or(&row.digest);
        let size = row.bytes.map_or_else(|| "-".into(), show_bytes);
        let agents = row.agents.as_ref().map(|agents| agents.join(", "));
        let other = row.arch.clone().filter(|arch| arch != Arch::HOST.name());
        let named = [&row.kernel, &row.source, &other].into_iter().flatten().map(String::as_str);
        let named = named.chain(agents.as_deref()).collect::<Vec<_>>().join("  ");
        let told = error::plain(row.error.as_deref().unwrap_or(&named));
        let _ = writeln!(
            text,
            "{short}  {size:<9}  {told}{}",
            match (&row.name, row.default) {
                (Some(name), _) => format!("  ({})", error::plain(name)),
                (None, true) => "  (default)".into(),
                (None, false) => String::new(),
            }
        );
    }
    text
}

#[cfg(test)]
#[path = "image_test.rs"]
mod tests;
