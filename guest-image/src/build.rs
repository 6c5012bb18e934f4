//! Makes an image or a layer: alone, and at once or not at all.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::files::{FileError, failed};
use crate::lock::Lock;
use crate::manifest::FORMAT;
use crate::shelf::Shelf;
use crate::{
    Arch, Cache, CacheError, Digest, FileEntry, Image, ImageError, Manifest, ManifestError,
    Package, Phase, Progress, Recipe, debian, files,
};

/// Makes the four files of an image in a directory. The one that counts is
/// [`debian::Debian`]; tests have small ones.
pub trait Bootstrap {
    /// Bytes that must be free in the cache.
    fn space(&self) -> u64;

    /// Puts `vmlinux`, `vmlinuz`, `modules.cpio` and `root.erofs` into `into`, which is empty,
    /// and may use `work` beside it, also empty, for whatever it needs meanwhile.
    ///
    /// # Errors
    /// See [`BootstrapError`].
    fn make(
        &self,
        recipe: &Recipe,
        into: &Path,
        work: &Path,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Contents, BootstrapError>;
}

/// What a bootstrap made, as the manifest tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    /// Version of the kernel, as `uname -r` says it.
    pub kernel: String,
    /// Packages in the root, and the kernel's.
    pub packages: Vec<Package>,
}

/// What is to be made.
pub(crate) struct Order<'a> {
    pub shelf: Shelf,
    /// Digest of the recipe.
    pub digest: Digest,
    /// Machine it is for.
    pub arch: Arch,
    /// Bytes that must be free in the cache.
    pub space: u64,
    /// `manifest.json` of what was made elsewhere, which the files must match; `None`: it is
    /// written for what was made.
    pub manifest: Option<&'a [u8]>,
}

/// Makes the files of an order in the first directory, with the second one to work in.
pub(crate) type Make<'a> =
    &'a dyn Fn(&Path, &Path, &mut dyn FnMut(Progress)) -> Result<Contents, BootstrapError>;

/// Whatever stopped a bootstrap.
pub type BootstrapError = Box<dyn std::error::Error + Send + Sync>;

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The cache cannot be used.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// The new image is not what its manifest says.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The manifest cannot be written down.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The disk has too little room to begin with.
    #[error(
        "the {what} needs {} MB free in {}, which has {} MB: make room, or set QVM_CACHE to another disk",
        needed.div_ceil(1_000_000), path.display(), free / 1_000_000
    )]
    Space {
        /// `image`, `layer` or `kernel`.
        what: &'static str,
        /// The cache.
        path: PathBuf,
        /// Bytes needed.
        needed: u64,
        /// Bytes free.
        free: u64,
    },
    /// The disk became full.
    #[error(
        "the disk of {} is full, and making the {what} takes up to {} MB there: make room, or set QVM_CACHE to another disk",
        path.display(), needed.div_ceil(1_000_000)
    )]
    Full {
        /// `image`, `layer` or `kernel`.
        what: &'static str,
        /// The cache.
        path: PathBuf,
        /// Bytes needed.
        needed: u64,
        /// The failure that it caused.
        #[source]
        source: BootstrapError,
    },
    /// Making the files failed.
    #[error("the {what} cannot be made{}", log.as_ref().map(|log| format!(" (see {})", log.display())).unwrap_or_default())]
    Bootstrap {
        /// `image` or `layer of agents`.
        what: &'static str,
        /// All that was said meanwhile, if there is such a file.
        log: Option<PathBuf>,
        /// The failure.
        #[source]
        source: BootstrapError,
    },
    /// A file that was made elsewhere has another length or content than its manifest says.
    #[error("{file} is not what manifest.json says: it was altered, or cut short")]
    Differs {
        /// Its name.
        file: &'static str,
    },
    /// A file operation failed.
    #[error(transparent)]
    File(#[from] FileError),
}

/// Makes the image of `recipe` from Debian's packages, unless the cache has it and it is sound.
/// Waits while another process builds in the same cache.
///
/// # Errors
/// See [`BuildError`]. Nothing is left of a build that failed.
pub fn build(
    cache: &Cache,
    recipe: &Recipe,
    progress: &mut dyn FnMut(Progress),
) -> Result<Image, BuildError> {
    build_with(cache, recipe, &debian::Debian, progress)
}

/// As [`build()`], with a bootstrap of the caller's.
///
/// # Errors
/// See [`BuildError`].
pub fn build_with(
    cache: &Cache,
    recipe: &Recipe,
    bootstrap: &dyn Bootstrap,
    progress: &mut dyn FnMut(Progress),
) -> Result<Image, BuildError> {
    let order = Order {
        shelf: Shelf::Images,
        digest: recipe.digest(),
        arch: recipe.arch,
        space: bootstrap.space(),
        manifest: None,
    };
    carry_out(cache, &order, &|into, work, seen| bootstrap.make(recipe, into, work, seen), progress)
}

/// Makes what is ordered, unless the cache has it and it is sound.
pub(crate) fn carry_out(
    cache: &Cache,
    order: &Order<'_>,
    maker: Make<'_>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Image, BuildError> {
    cache.prepare()?;
    let lock_path = cache.lock_path();
    let _lock = Lock::acquire(&lock_path, || progress(Progress::start(Phase::Waiting)))
        .map_err(failed("lock", &lock_path))?;
    if let Some(image) = usable(cache, order)? {
        return Ok(image);
    }
    // Under the lock nobody else works in here: what is there, killed builds left.
    let temporary = cache.temporary();
    debian::clean_leftovers(&temporary).map_err(failed("clean", &temporary))?;

    let (what, needed) = (order.shelf.what(), order.space);
    let stat =
        rustix::fs::statvfs(&temporary).map_err(|e| failed("measure", &temporary)(e.into()))?;
    let free = stat.f_bavail.saturating_mul(stat.f_frsize);
    if free < needed {
        return Err(BuildError::Space { what, path: cache.root().to_owned(), needed, free });
    }

    let dir = tempfile::Builder::new()
        .prefix("build-")
        .tempdir_in(&temporary)
        .map_err(failed("make a directory in", &temporary))?;
    let result = make(cache, order, maker, dir.path(), progress);
    // Said aloud instead of left to the destructor, which tells nobody.
    dir.close().map_err(failed("remove the directory in", &temporary))?;
    result.map_err(|e| if is_full(&e) { full(what, cache, needed, e) } else { e })
}

/// The image that is there already. One that is damaged is taken away.
fn usable(cache: &Cache, order: &Order<'_>) -> Result<Option<Image>, BuildError> {
    let found = cache.find_digest(order.shelf, &order.digest).and_then(|image| match image {
        Some(image) => image.check_for(order.arch).map(|()| Some(image)).map_err(CacheError::from),
        None => Ok(None),
    });
    match found {
        Ok(image) => Ok(image),
        Err(CacheError::Image(_)) => {
            cache.remove_locked(order.shelf, &order.digest)?;
            Ok(None)
        }
        Err(e) => Err(e.into()),
    }
}

fn make(
    cache: &Cache,
    order: &Order<'_>,
    maker: Make<'_>,
    dir: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<Image, BuildError> {
    let (into, work) = (dir.join("image"), dir.join("work"));
    for path in [&into, &work] {
        fs::create_dir(path).map_err(failed("make", path))?;
    }
    let contents = maker(&into, &work, progress).map_err(|source| BuildError::Bootstrap {
        what: order.shelf.what(),
        log: keep_log(cache, &work),
        source,
    })?;
    let image = seal(order, contents, &into, progress)?;

    let shelf = cache.shelf(order.shelf);
    let place = shelf.join(image.digest.to_string());
    fs::rename(&into, &place).map_err(failed("move the image to", &place))?;
    files::sync(&shelf).map_err(failed("sync", &shelf))?;
    Ok(Image { dir: place, ..image })
}

/// Saves the log of a bootstrap that failed from being removed with the rest.
fn keep_log(cache: &Cache, work: &Path) -> Option<PathBuf> {
    let kept = cache.root().join("build.log");
    fs::rename(work.join("log"), &kept).ok().map(|()| kept)
}

/// Hashes the files, writes the manifest, and brings all to the disk.
fn seal(
    order: &Order<'_>,
    contents: Contents,
    into: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<Image, BuildError> {
    let mut sizes = Vec::new();
    for name in order.shelf.files() {
        let path = into.join(name);
        match fs::metadata(&path) {
            Ok(found) => sizes.push((name, path, found.len())),
            Err(e)
                if e.kind() == io::ErrorKind::NotFound
                    && order.shelf.optional().contains(&name) => {}
            Err(e) => return Err(failed("find", &path)(e).into()),
        }
    }
    let total = sizes.iter().map(|(_, _, size)| size).sum();
    let mut done = 0;
    let mut manifest = Manifest {
        format: FORMAT,
        recipe: order.digest,
        arch: order.arch.to_string(),
        kernel: contents.kernel,
        packages: contents.packages,
        files: std::collections::BTreeMap::new(),
    };
    manifest.packages.sort_unstable();
    progress(Progress { phase: Phase::Finish, done, total });
    for (name, path, size) in sizes {
        fs::set_permissions(&path, Permissions::from_mode(0o444))
            .map_err(failed("protect", &path))?;
        let mut seen = |bytes| {
            done += bytes;
            progress(Progress { phase: Phase::Finish, done, total });
        };
        let sha256 = Digest::of_file(&path, &mut seen).map_err(failed("read", &path))?;
        files::sync(&path).map_err(failed("sync", &path))?;
        manifest.files.insert(name.to_owned(), FileEntry { size, sha256 });
    }
    let path = into.join(files::MANIFEST);
    let image = match order.manifest {
        None => {
            files::write_synced(&path, &manifest.to_json()?).map_err(failed("write", &path))?;
            Image::new(into, manifest)
        }
        Some(bytes) => {
            let said = Manifest::parse(bytes)?;
            let mut known = order.shelf.files();
            if let Some(file) = known.find(|&n| said.files.get(n) != manifest.files.get(n)) {
                return Err(BuildError::Differs { file });
            }
            files::write_synced(&path, bytes).map_err(failed("write", &path))?;
            Image { digest: order.digest, ..Image::new(into, said) }
        }
    };
    image.mark_verified()?;
    files::sync(into).map_err(failed("sync", into))?;
    Ok(image)
}

fn full(what: &'static str, cache: &Cache, needed: u64, source: BuildError) -> BuildError {
    BuildError::Full { what, path: cache.root().to_owned(), needed, source: source.into() }
}

/// Whether a full disk is behind an error.
fn is_full(error: &BuildError) -> bool {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
                return true;
            }
        }
        next = error.source();
    }
    false
}

#[cfg(test)]
#[path = "build_test.rs"]
pub(crate) mod tests;
