//! Images that were made elsewhere: by Nix, or by another qvm.
//!
//! The manifest holds size and SHA-256 of every file, so the digest of `manifest.json` pins all of
//! the image, and is its name here. An image that says it was made by a recipe of ours therefore
//! never takes the place of the one that is made here.
//!
//! ```text
//!   archive ── manifest ── digest as expected? ── for this machine? ─┐
//!   directory ─ manifest ───────────────────────── for this machine? ┤
//!                                                                    ▼
//!                        tmp/ ◀── copy, hash, compare ──▶ images/DIGEST
//! ```

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::archive::{self, ArchiveError};
use crate::build::{BuildError, Contents, Order, carry_out};
use crate::files::{FileError, failed};
use crate::manifest::MAX_MANIFEST;
use crate::shelf::Shelf;
use crate::{
    Arch, BootstrapError, Cache, Digest, Image, ImageError, Manifest, ManifestError, Phase,
    Progress, files,
};

/// Largest image that is taken, in bytes.
const MAX_SIZE: u64 = 64 << 30;

/// Why an image was not taken or given.
#[derive(Debug, thiserror::Error)]
pub enum ReadyError {
    /// The archive cannot be used.
    #[error("the archive cannot be used")]
    Archive(#[from] ArchiveError),
    /// Its manifest cannot be used.
    #[error("the image's manifest cannot be used")]
    Manifest(#[from] ManifestError),
    /// It is not the one that was asked for.
    #[error(
        "the image has the digest sha256:{found}, not sha256:{expected}: it is another image, or it was altered"
    )]
    Digest {
        /// What was asked for.
        expected: Digest,
        /// What is there.
        found: Digest,
    },
    /// For another machine.
    #[error(
        "the image is for {found}, and {wanted} is wanted: take the one for {wanted}{}",
        or_emulate(found)
    )]
    Arch {
        /// What it is for.
        found: String,
        /// What it should be for.
        wanted: Arch,
    },
    /// A kernel or a layer.
    #[error("it is no image: it has no {}", files::ROOT)]
    Kind,
    /// No machine has so large an image.
    #[error("the image says it has {} GiB, and an image has at most {}", .0 >> 30, MAX_SIZE >> 30)]
    Large(u64),
    /// The image in the cache is damaged.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// It did not get into the cache.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// A file operation failed.
    #[error(transparent)]
    File(#[from] FileError),
}

/// What else can be done with an image of another machine.
fn or_emulate(found: &str) -> String {
    match found.parse::<Arch>() {
        Ok(arch) if arch != Arch::HOST => {
            format!(", or say `--arch {arch}` to have it for emulated machines")
        }
        _ => String::new(),
    }
}

/// Takes an image for machines `arch` from an archive whose manifest has this digest.
///
/// # Errors
/// See [`ReadyError`]; the cache is then as it was.
pub fn import(
    cache: &Cache,
    from: &mut (dyn Read + Send),
    expected: Digest,
    arch: Arch,
    progress: &mut dyn FnMut(Progress),
) -> Result<Image, ReadyError> {
    let bytes = archive::manifest(from)?;
    let found = Digest::of(&bytes);
    if found != expected {
        return Err(ReadyError::Digest { expected, found });
    }
    let manifest = suitable(&bytes, arch)?;
    // The maker is called once, but its type does not say so.
    let from = Mutex::new(from);
    let copy = |into: &Path| {
        let mut from = from.lock().map_err(|_| io::Error::from(io::ErrorKind::Other))?;
        Ok(archive::rest(&mut **from, &manifest, &mut |name| {
            Ok(Box::new(BufWriter::new(File::create_new(into.join(name))?)))
        })?)
    };
    take(cache, &bytes, &manifest, arch, &copy, progress)
}

/// Takes an image from a directory with its files, of which each must lie within `within`,
/// whatever links lead to it.
///
/// # Errors
/// See [`ReadyError`]; the cache is then as it was.
pub(crate) fn adopt(
    cache: &Cache,
    dir: &Path,
    within: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<Image, ReadyError> {
    let inside = |name: &str| -> io::Result<PathBuf> {
        let path = dir.join(name).canonicalize()?;
        let plain = path.starts_with(within.canonicalize()?) && path.is_file();
        plain.then_some(path).ok_or_else(|| io::ErrorKind::InvalidInput.into())
    };
    let path = dir.join(files::MANIFEST);
    let bytes = inside(files::MANIFEST)
        .and_then(|path| files::read_limited(&path, MAX_MANIFEST))
        .map_err(failed("read", &path))?;
    let manifest = suitable(&bytes, Arch::HOST)?;
    let copy = |into: &Path| -> Result<(), BootstrapError> {
        for name in manifest.files.keys() {
            // Where the file system can, only the fact is copied that both are the same.
            let copied = inside(name).and_then(|path| fs::copy(path, into.join(name)));
            let path = dir.join(name);
            copied.map_err(failed("copy", &path))?;
        }
        Ok(())
    };
    take(cache, &bytes, &manifest, Arch::HOST, &copy, progress)
}

/// Writes an image to a file, which appears when it is whole, and says what pins it.
///
/// # Errors
/// See [`ReadyError`]; a file of that name is then as it was.
pub fn export(image: &Image, file: &Path) -> Result<Digest, ReadyError> {
    image.verify(&mut |_| {})?;
    let manifest = image.dir.join(files::MANIFEST);
    let bytes = files::read_limited(&manifest, MAX_MANIFEST).map_err(failed("read", &manifest))?;
    let said = Manifest::parse(&bytes)?;
    let folder = match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut to = tempfile::Builder::new()
        .prefix(".qvm-export-")
        .tempfile_in(folder)
        .map_err(failed("make a file in", folder))?;
    let mut write = || -> io::Result<()> {
        let size = bytes.len() as u64;
        archive::put(&mut to, files::MANIFEST, size, &mut bytes.as_slice())?;
        for (name, entry) in &said.files {
            let mut from = BufReader::new(File::open(image.dir.join(name))?);
            archive::put(&mut to, name, entry.size, &mut from)?;
        }
        archive::end(&mut to)?;
        // Others may fetch it: nothing in it is secret.
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        to.as_file().set_permissions(open)?;
        to.flush()
    };
    write().map_err(failed("write", file))?;
    to.persist(file).map_err(|e| failed("write", file)(e.error))?;
    Ok(Digest::of(&bytes))
}

/// The manifest of an image that machines `arch` can run.
fn suitable(bytes: &[u8], arch: Arch) -> Result<Manifest, ReadyError> {
    let manifest = Manifest::parse(bytes)?;
    if !Shelf::Images.holds(manifest.files.keys().map(String::as_str)) {
        return Err(ReadyError::Kind);
    }
    if manifest.arch != arch.name() {
        return Err(ReadyError::Arch { found: manifest.arch, wanted: arch });
    }
    match manifest.size() {
        size if size > MAX_SIZE => Err(ReadyError::Large(size)),
        _ => Ok(manifest),
    }
}

fn take(
    cache: &Cache,
    bytes: &[u8],
    manifest: &Manifest,
    arch: Arch,
    copy: &dyn Fn(&Path) -> Result<(), BootstrapError>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Image, ReadyError> {
    let order = Order {
        shelf: Shelf::Images,
        digest: Digest::of(bytes),
        arch,
        space: manifest.size(),
        manifest: Some(bytes),
    };
    let make = |into: &Path, _: &Path, progress: &mut dyn FnMut(Progress)| {
        progress(Progress::start(Phase::Copy));
        copy(into)?;
        // Not used: the manifest is there already.
        Ok(Contents { kernel: String::new(), packages: Vec::new() })
    };
    Ok(carry_out(cache, &order, &make, progress)?)
}

#[cfg(test)]
#[path = "ready_test.rs"]
mod tests;
