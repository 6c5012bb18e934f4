//! Where images, layers and kernels are kept.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::files::{FileError, failed};
use crate::lock::Lock;
use crate::shelf::Shelf;
use crate::{Digest, Image, ImageError, KernelRecipe, Layer, LayerRecipe, Recipe};

/// The directory that images are kept in: `images/`, `layers/` and `kernels/`, `tmp/` for those being made,
/// and a lock.
#[derive(Debug, Clone)]
pub struct Cache {
    root: PathBuf,
}

/// What [`Cache::prune`] did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Images removed.
    pub images: usize,
    /// Layers removed.
    pub layers: usize,
    /// Kernels removed.
    pub kernels: usize,
    /// Bytes their files had.
    pub bytes: u64,
}

/// A line of [`Cache::list`], [`Cache::layers`] and [`Cache::kernels`].
pub type Listed = (Digest, Result<Image, CacheError>);

/// Why the cache cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// No variable says where it is.
    #[error("no place for the cache: set HOME, XDG_CACHE_HOME or QVM_CACHE")]
    NoHome,
    /// A variable holds a relative path.
    #[error("{variable} is {}, which is no absolute path", path.display())]
    Relative {
        /// Which variable.
        variable: &'static str,
        /// What it holds.
        path: PathBuf,
    },
    /// A directory of it cannot be made, read or removed.
    #[error(transparent)]
    File(#[from] FileError),
    /// No image of this name.
    #[error(
        "there is no image {0}: `qvm image ls` lists them, `qvm image build` makes the default one"
    )]
    Unknown(String),
    /// Several images begin so.
    #[error("several images begin with {0}: give more digits")]
    Ambiguous(String),
    /// Somebody builds an image now.
    #[error("an image is being built: try again when it is done")]
    Busy,
    /// The image is damaged.
    #[error(transparent)]
    Image(#[from] ImageError),
}

impl Cache {
    /// The user's cache: `$QVM_CACHE`, else `$XDG_CACHE_HOME/qvm`, else `~/.cache/qvm`. Nothing
    /// is made yet.
    ///
    /// # Errors
    /// [`CacheError::NoHome`] and [`CacheError::Relative`].
    pub fn open() -> Result<Self, CacheError> {
        Self::from_variables(|name| env::var_os(name).map(PathBuf::from))
    }

    fn from_variables(variable: impl Fn(&str) -> Option<PathBuf>) -> Result<Self, CacheError> {
        let get = |name| variable(name).filter(|path| !path.as_os_str().is_empty());
        let (name, path) = if let Some(path) = get("QVM_CACHE") {
            ("QVM_CACHE", path)
        } else if let Some(path) = get("XDG_CACHE_HOME") {
            ("XDG_CACHE_HOME", path.join("qvm"))
        } else {
            ("HOME", get("HOME").ok_or(CacheError::NoHome)?.join(".cache/qvm"))
        };
        if path.is_relative() {
            return Err(CacheError::Relative { variable: name, path });
        }
        Ok(Self { root: path })
    }

    /// A cache at this path.
    #[must_use]
    pub fn at(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// Its path.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The image of this recipe, if it was built.
    ///
    /// # Errors
    /// [`CacheError::Image`] where its manifest is damaged.
    pub fn find(&self, recipe: &Recipe) -> Result<Option<Image>, CacheError> {
        self.find_digest(Shelf::Images, &recipe.digest())
    }

    /// The layer of this recipe, if it was built.
    ///
    /// # Errors
    /// [`CacheError::Image`] where its manifest is damaged.
    pub fn find_layer(&self, recipe: &LayerRecipe) -> Result<Option<Layer>, CacheError> {
        Ok(self.find_digest(Shelf::Layers, &recipe.digest())?.map(Layer::from))
    }

    pub(crate) fn find_digest(
        &self,
        shelf: Shelf,
        digest: &Digest,
    ) -> Result<Option<Image>, CacheError> {
        let dir = self.shelf(shelf).join(digest.to_string());
        match fs::symlink_metadata(&dir) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            _ => {}
        }
        let image = Image::open_named(&dir, digest)?;
        if !shelf.holds(image.manifest.files.keys().map(String::as_str)) {
            return Err(ImageError::Misplaced { dir, found: image.digest }.into());
        }
        Ok(Some(image))
    }

    /// The image that a person names: `default`, the name of an [`crate::Origin`], the beginning
    /// of a digest, or, with a slash in it, the path of an image directory.
    ///
    /// # Errors
    /// [`CacheError::Unknown`], [`CacheError::Ambiguous`], [`CacheError::Image`].
    pub fn image(&self, name: &str) -> Result<Image, CacheError> {
        self.named(name, &[Shelf::Images])
    }

    /// As [`Cache::image`], but it may be a layer or a kernel, too: then it is an image that no
    /// machine starts from.
    ///
    /// # Errors
    /// As [`Cache::image`].
    pub fn image_or_layer(&self, name: &str) -> Result<Image, CacheError> {
        self.named(name, &Shelf::ALL)
    }

    pub(crate) fn named(&self, name: &str, shelves: &[Shelf]) -> Result<Image, CacheError> {
        let unknown = || CacheError::Unknown(name.to_owned());
        if name == "default" && shelves.contains(&Shelf::Images) {
            return self.find(&Recipe::default_debian())?.ok_or_else(unknown);
        }
        if name == "microvm" && shelves.contains(&Shelf::Kernels) {
            let digest = KernelRecipe::default_debian().digest();
            return self.find_digest(Shelf::Kernels, &digest)?.ok_or_else(unknown);
        }
        if name.contains('/') {
            return Ok(Image::open(Path::new(name))?);
        }
        if let Some(origin) = self.origins().into_iter().find(|o| o.name.as_deref() == Some(name)) {
            for &shelf in shelves {
                if let Some(image) = self.find_digest(shelf, &origin.digest)? {
                    return Ok(image);
                }
            }
        }
        let mut found = Vec::new();
        for &shelf in shelves {
            let digests = self.digests(shelf)?.into_iter().map(|digest| (shelf, digest));
            found.extend(digests.filter(|(_, digest)| digest.to_string().starts_with(name)));
        }
        match found.as_slice() {
            [(shelf, digest)] if !name.is_empty() => {
                self.find_digest(*shelf, digest)?.ok_or_else(unknown)
            }
            [_, _, ..] if !name.is_empty() => Err(CacheError::Ambiguous(name.to_owned())),
            _ => Err(unknown()),
        }
    }

    /// All images by digest, each with what is wrong with it where it cannot be read.
    ///
    /// # Errors
    /// [`CacheError::File`] where the directory cannot be read.
    pub fn list(&self) -> Result<Vec<Listed>, CacheError> {
        self.list_shelf(Shelf::Images)
    }

    /// All layers, as [`Cache::list`].
    ///
    /// # Errors
    /// [`CacheError::File`] where the directory cannot be read.
    pub fn layers(&self) -> Result<Vec<Listed>, CacheError> {
        self.list_shelf(Shelf::Layers)
    }

    /// All kernels, as [`Cache::list`].
    ///
    /// # Errors
    /// [`CacheError::File`] where the directory cannot be read.
    pub fn kernels(&self) -> Result<Vec<Listed>, CacheError> {
        self.list_shelf(Shelf::Kernels)
    }

    fn list_shelf(&self, shelf: Shelf) -> Result<Vec<Listed>, CacheError> {
        let found = |digest: &Digest| match self.find_digest(shelf, digest) {
            Ok(Some(image)) => Ok(image),
            Ok(None) => Err(CacheError::Unknown(digest.to_string())),
            Err(e) => Err(e),
        };
        Ok(self.digests(shelf)?.into_iter().map(|digest| (digest, found(&digest))).collect())
    }

    /// Removes an image, a layer or a kernel. Machines that run on it keep its files until they end.
    ///
    /// # Errors
    /// [`CacheError::Unknown`], [`CacheError::Busy`], [`CacheError::File`].
    pub fn remove(&self, digest: &Digest) -> Result<(), CacheError> {
        self.prepare()?;
        let _lock = self.try_lock()?;
        let mut result = Err(CacheError::Unknown(digest.to_string()));
        for shelf in Shelf::ALL {
            if let Err(CacheError::Unknown(_)) = result {
                result = self.remove_locked(shelf, digest);
            }
        }
        if result.is_ok() {
            self.forget(|origin| origin.digest == *digest);
        }
        result
    }

    pub(crate) fn remove_locked(&self, shelf: Shelf, digest: &Digest) -> Result<(), CacheError> {
        let path = self.shelf(shelf).join(digest.to_string());
        // Away in one step: half an image is never found under its name.
        let away = self.temporary().join(format!("remove-{digest}"));
        fs::rename(&path, &away).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => CacheError::Unknown(digest.to_string()),
            _ => failed("move away", &path)(source).into(),
        })?;
        Ok(fs::remove_dir_all(&away).map_err(failed("remove", &away))?)
    }

    /// Removes all images, layers and kernels but those of `keep` and those that were imported,
    /// and what interrupted builds left.
    ///
    /// # Errors
    /// [`CacheError::Busy`], [`CacheError::File`].
    pub fn prune(&self, keep: &[Digest]) -> Result<Pruned, CacheError> {
        self.prepare()?;
        let _lock = self.try_lock()?;
        let mut pruned = Pruned::default();
        let imported = self.origins().into_iter().filter(|origin| origin.state.is_none());
        let keep: Vec<Digest> =
            keep.iter().copied().chain(imported.map(|origin| origin.digest)).collect();
        let all = Shelf::ALL.map(|shelf| self.list_shelf(shelf).map(|listed| (shelf, listed)));
        let all: Vec<_> = all.into_iter().collect::<Result<_, _>>()?;
        for (shelf, (digest, image)) in
            all.into_iter().flat_map(|(shelf, listed)| listed.into_iter().map(move |l| (shelf, l)))
        {
            if !keep.contains(&digest) {
                self.remove_locked(shelf, &digest)?;
                match shelf {
                    Shelf::Images => pruned.images += 1,
                    Shelf::Layers => pruned.layers += 1,
                    Shelf::Kernels => pruned.kernels += 1,
                }
                pruned.bytes =
                    pruned.bytes.saturating_add(image.map_or(0, |image| image.manifest.size()));
            }
        }
        self.forget(|origin| !keep.contains(&origin.digest));
        let temporary = self.temporary();
        crate::debian::clean_leftovers(&temporary).map_err(failed("clean", &temporary))?;
        Ok(pruned)
    }

    /// Makes the directories.
    pub(crate) fn prepare(&self) -> Result<(), CacheError> {
        let shelves = Shelf::ALL.map(|shelf| self.shelf(shelf));
        for path in shelves.into_iter().chain([self.temporary()]) {
            fs::create_dir_all(&path).map_err(failed("make", &path))?;
        }
        Ok(())
    }

    fn try_lock(&self) -> Result<Lock, CacheError> {
        let path = self.lock_path();
        Lock::try_acquire(&path).map_err(failed("lock", &path))?.ok_or(CacheError::Busy)
    }

    fn digests(&self, shelf: Shelf) -> Result<Vec<Digest>, CacheError> {
        let path = self.shelf(shelf);
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(failed("read", &path)(e).into()),
        };
        let mut digests: Vec<Digest> =
            entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect();
        digests.sort_unstable();
        Ok(digests)
    }

    pub(crate) fn shelf(&self, shelf: Shelf) -> PathBuf {
        self.root.join(shelf.folder())
    }

    pub(crate) fn temporary(&self) -> PathBuf {
        self.root.join("tmp")
    }

    pub(crate) fn lock_path(&self) -> PathBuf {
        self.root.join("build.lock")
    }
}

#[cfg(test)]
#[path = "cache_test.rs"]
mod tests;
