//! `qvm image …`.

use std::{fmt::Write as _, io::Seek};

use guest_image::{Cache, CacheError, Digest, Image, Recipe, Reporter, build};
use serde::Serialize;

use super::args::ImageAction;
use crate::{error, error::Error, policy::units::show_bytes, session};

/// Does it.
pub fn main(action: ImageAction) -> Result<u8, Error> {
    let cache = Cache::open()?;
    match action {
        ImageAction::Build { force, quiet } => make(&cache, force, quiet),
        ImageAction::Ls(args) => list(&cache, args.json),
        ImageAction::Rm { images } => remove(&cache, &images),
        ImageAction::Prune => {
            let pruned = cache.prune(&[Recipe::default_debian().digest()])?;
            super::print(&format!(
                "removed {} images, {}\n",
                pruned.images,
                show_bytes(pruned.bytes)
            ))
        }
        ImageAction::Path { image: None } => super::print(&format!("{}\n", cache.root().display())),
        ImageAction::Path { image: Some(name) } => {
            super::print(&format!("{}\n", cache.image(&name)?.dir.display()))
        }
        ImageAction::Initrd { image } => initrd(&cache.image(&image)?),
        ImageAction::KernelLine { accel } => {
            super::print(&format!("{}\n", session::kernel_line(accel)))
        }
        ImageAction::Verify { image } => {
            let image = cache.image(&image)?;
            image.verify(&mut |_| {}).map_err(CacheError::from)?;
            super::print(&format!("{} is what was built\n", image.digest))
        }
    }?;
    Ok(0)
}

/// Writes what a run's kernel is given: measurements hand the same to other monitors.
fn initrd(image: &Image) -> Result<(), Error> {
    let mut out = std::io::stdout().lock();
    for mut archive in session::initrd(image)? {
        archive.rewind().map_err(Error::Output)?;
        std::io::copy(&mut archive, &mut out).map_err(Error::Output)?;
    }
    Ok(())
}

/// Builds the default image and prints its digest.
fn make(cache: &Cache, force: bool, quiet: bool) -> Result<(), Error> {
    let recipe = Recipe::default_debian();
    if force {
        match cache.remove(&recipe.digest()) {
            Ok(()) | Err(CacheError::Unknown(_)) => {}
            Err(e) => return Err(e.into()),
        }
    }
    let mut reporter = Reporter::new(quiet);
    let built = build(cache, &recipe, &mut |progress| reporter.update(progress));
    reporter.finish();
    let image = built?;
    super::print(&format!("{}\n", image.digest))
}

fn remove(cache: &Cache, names: &[String]) -> Result<(), Error> {
    // All are looked up before any is removed, so that a typing error removes nothing. A damaged
    // image cannot be opened, but its digest in full still names it.
    let digests: Result<Vec<Digest>, CacheError> = names
        .iter()
        .map(|name| match name.parse() {
            Ok(digest) => Ok(digest),
            Err(_) => cache.image(name).map(|image| image.digest),
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
}

/// One image, for programs.
#[derive(Debug, Serialize)]
struct Row {
    digest: String,
    default: bool,
    bytes: Option<u64>,
    kernel: Option<String>,
    packages: Option<usize>,
    path: Option<String>,
    error: Option<String>,
}

impl Row {
    fn new(digest: &Digest, image: &Result<Image, CacheError>) -> Self {
        let there = image.as_ref().ok();
        Self {
            digest: digest.to_string(),
            default: *digest == Recipe::default_debian().digest(),
            bytes: there.map(|i| i.manifest.size()),
            kernel: there.map(|i| i.manifest.kernel.clone()),
            packages: there.map(|i| i.manifest.packages.len()),
            path: there.map(|i| i.dir.display().to_string()),
            error: image.as_ref().err().map(|e| error::line(e)),
        }
    }
}

fn list(cache: &Cache, json: bool) -> Result<(), Error> {
    let rows: Vec<_> =
        cache.list()?.iter().map(|(digest, image)| Row::new(digest, image)).collect();
    let text = if json {
        super::json(&Listing { cache: cache.root().display().to_string(), images: rows })
    } else {
        table(&rows)
    };
    super::print(&text)
}

/// For people.
fn table(rows: &[Row]) -> String {
    if rows.is_empty() {
        return "no images; `qvm image build` makes the default one\n".into();
    }
    let mut text = String::from("DIGEST        SIZE       KERNEL\n");
    for row in rows {
        let short = row.digest.get(..12).unwrap_or(&row.digest);
        let size = row.bytes.map_or_else(|| "-".into(), show_bytes);
        let kernel =
            error::plain(row.error.as_ref().or(row.kernel.as_ref()).map_or("", String::as_str));
        let _ = writeln!(
            text,
            "{short}  {size:<9}  {kernel}{}",
            if row.default { "  (default)" } else { "" }
        );
    }
    text
}

#[cfg(test)]
#[path = "image_test.rs"]
mod tests;
