//! One image of the cache, and whether it is still what was built.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::manifest::MAX_MANIFEST;
use crate::{Arch, Digest, Manifest, ManifestError, files};

/// An image in the cache. That it was found says nothing about its files: see [`Image::check`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Its name: the digest of its recipe, or of `manifest.json` where it was made elsewhere.
    pub digest: Digest,
    /// Its directory.
    pub dir: PathBuf,
    /// What it consists of.
    pub manifest: Manifest,
    /// EROFS images to be laid above the root, the lowest first, such as
    /// [`crate::Layer::image`]; nothing of them is in the manifest.
    pub layers: Vec<PathBuf>,
    /// A kernel with everything built in that boots in place of the image's own, such as
    /// [`crate::Kernel::vmlinux`]; nothing of it is in the manifest.
    pub kernel: Option<PathBuf>,
}

/// Why an image cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The manifest cannot be used.
    #[error("the {} in {} is damaged: {}", kind(dir), dir.display(), again(dir))]
    Manifest {
        /// The image's directory.
        dir: PathBuf,
        /// What is wrong.
        #[source]
        source: ManifestError,
    },
    /// A file of it cannot be read, or is missing.
    #[error("{} of the {} cannot be read: {}", path.display(), kind(path), again(path))]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A file is shorter or longer than it was made.
    #[error("{} of the {} has {found} bytes instead of {expected}: {}", path.display(), kind(path), again(path))]
    Size {
        /// The file.
        path: PathBuf,
        /// Its length.
        found: u64,
        /// The manifest's length.
        expected: u64,
    },
    /// A file has another content than it was made with.
    #[error("{} of the {} was altered: {}", path.display(), kind(path), again(path))]
    Altered {
        /// The file.
        path: PathBuf,
    },
    /// It cannot run on the machine that is to be.
    #[error("the {} in {} is for {found}, and the machine is to be {wanted}: {}", kind(dir), dir.display(), other(found, *wanted))]
    Arch {
        /// The image's directory.
        dir: PathBuf,
        /// The manifest's machine.
        found: String,
        /// What it should be for.
        wanted: Arch,
    },
    /// The directory of one image holds another.
    #[error("{} holds the {} {found}: {}", dir.display(), kind(dir), again(dir))]
    Misplaced {
        /// The directory.
        dir: PathBuf,
        /// Its manifest's digest.
        found: Digest,
    },
}

/// Whether a path is that of a kernel, or of a file of one.
fn is_kernel(path: &Path) -> bool {
    path.ancestors().take(3).any(|path| path.file_name().is_some_and(|name| name == "kernels"))
}

fn kind(path: &Path) -> &'static str {
    if is_kernel(path) { "kernel" } else { "image" }
}

/// What helps.
fn again(path: &Path) -> &'static str {
    match is_kernel(path) {
        true => {
            "run `qvm image kernel` to make it again, or boot the image's own with `--kernel image`"
        }
        false => "run `qvm image build` to make it again",
    }
}

/// What helps where the machine is another.
fn other(found: &str, wanted: Arch) -> String {
    match found.parse::<Arch>() {
        Ok(arch) if arch == Arch::HOST => {
            format!("leave out `--arch {wanted}`, or use one that was made for {wanted}")
        }
        Ok(arch) => {
            format!("use one that was made for {wanted}, or emulate it with `--arch {arch}`")
        }
        Err(_) => format!("use one that was made for {wanted}"),
    }
}

/// What the system says about a file that matched the manifest. Whoever writes to it changes
/// one of these; the change time cannot be set back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// Content of `verified.json`.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Verified {
    recipe: Digest,
    files: BTreeMap<String, Stamp>,
}

impl Image {
    /// Reads the image in `dir`, whatever its name.
    ///
    /// # Errors
    /// [`ImageError::Read`] and [`ImageError::Manifest`].
    pub fn open(dir: &Path) -> Result<Self, ImageError> {
        Self::read(dir).map(|(image, _)| image)
    }

    /// Reads the image that a shelf has under the name of `digest`: that of its recipe, or of
    /// its manifest where it was made elsewhere.
    pub(crate) fn open_named(dir: &Path, digest: &Digest) -> Result<Self, ImageError> {
        let (image, of_manifest) = Self::read(dir)?;
        if image.digest != *digest && of_manifest != *digest {
            return Err(ImageError::Misplaced { dir: dir.to_owned(), found: image.digest });
        }
        Ok(Self { digest: *digest, ..image })
    }

    /// The image, and the digest of its manifest.
    fn read(dir: &Path) -> Result<(Self, Digest), ImageError> {
        let path = dir.join(files::MANIFEST);
        let bytes = files::read_limited(&path, MAX_MANIFEST)
            .map_err(|source| ImageError::Read { path, source })?;
        let manifest = Manifest::parse(&bytes)
            .map_err(|source| ImageError::Manifest { dir: dir.to_owned(), source })?;
        Ok((Self::new(dir, manifest), Digest::of(&bytes)))
    }

    pub(crate) fn new(dir: &Path, manifest: Manifest) -> Self {
        let dir = dir.to_owned();
        Self { digest: manifest.recipe, dir, manifest, layers: Vec::new(), kernel: None }
    }

    /// The kernel to boot, as an uncompressed ELF file: [`Image::kernel`], else the image's own if
    /// it has one.
    #[must_use]
    pub fn vmlinux(&self) -> Option<PathBuf> {
        self.kernel.clone().or_else(|| self.own(files::VMLINUX))
    }

    /// The cpio archive of kernel modules, to follow the agent's in the initramfs; `None` where
    /// the kernel needs none.
    #[must_use]
    pub fn modules(&self) -> Option<PathBuf> {
        if self.kernel.is_some() { None } else { self.own(files::MODULES) }
    }

    /// A file that not every image has.
    fn own(&self, name: &str) -> Option<PathBuf> {
        self.manifest.files.contains_key(name).then(|| self.dir.join(name))
    }

    /// The root, an EROFS image.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        self.dir.join(files::ROOT)
    }

    /// As [`Image::check_for`], for this machine.
    ///
    /// # Errors
    /// See [`ImageError`].
    pub fn check(&self) -> Result<(), ImageError> {
        self.check_for(Arch::HOST)
    }

    /// Makes sure that it is for a machine `arch`, and that the files are those that were built.
    /// Quick when nothing touched them since the last full look; else as [`Image::verify`].
    ///
    /// # Errors
    /// See [`ImageError`]; each says which file and what to do.
    pub fn check_for(&self, arch: Arch) -> Result<(), ImageError> {
        if self.manifest.arch != arch.name() {
            let found = self.manifest.arch.clone();
            return Err(ImageError::Arch { dir: self.dir.clone(), found, wanted: arch });
        }
        let stamps = self.stamps()?;
        if self.verified().as_ref() == Some(&stamps) {
            return Ok(());
        }
        self.verify(&mut |_| {})
    }

    /// Reads every file and compares it to the manifest. `seen` is told the count of bytes after
    /// each part.
    ///
    /// # Errors
    /// See [`ImageError`].
    pub fn verify(&self, seen: &mut dyn FnMut(u64)) -> Result<(), ImageError> {
        // Taken before, so that a change meanwhile does not pass for verified.
        let stamps = self.stamps()?;
        for (name, entry) in &self.manifest.files {
            let path = self.dir.join(name);
            match Digest::of_file(&path, seen) {
                Ok(found) if found == entry.sha256 => {}
                Ok(_) => return Err(ImageError::Altered { path }),
                Err(source) => return Err(ImageError::Read { path, source }),
            }
        }
        // Only a shortcut for the next time: a cache that cannot be written to is no error.
        let _ = self.store(&stamps);
        Ok(())
    }

    /// Records that the files match, for whoever has just hashed them.
    pub(crate) fn mark_verified(&self) -> Result<(), ImageError> {
        let stamps = self.stamps()?;
        let path = self.dir.join(files::VERIFIED);
        self.store(&stamps).map_err(|source| ImageError::Read { path, source })
    }

    fn stamps(&self) -> Result<Verified, ImageError> {
        let mut all = BTreeMap::new();
        for (name, entry) in &self.manifest.files {
            let path = self.dir.join(name);
            let meta = match fs::symlink_metadata(&path) {
                Ok(meta) if meta.is_file() => meta,
                Ok(_) => return Err(ImageError::Altered { path }),
                Err(source) => return Err(ImageError::Read { path, source }),
            };
            if meta.len() != entry.size {
                return Err(ImageError::Size { path, found: meta.len(), expected: entry.size });
            }
            let stamp = Stamp {
                device: meta.dev(),
                inode: meta.ino(),
                size: meta.len(),
                modified: (meta.mtime(), meta.mtime_nsec()),
                changed: (meta.ctime(), meta.ctime_nsec()),
            };
            all.insert(name.clone(), stamp);
        }
        Ok(Verified { recipe: self.digest, files: all })
    }

    fn verified(&self) -> Option<Verified> {
        let bytes = files::read_limited(&self.dir.join(files::VERIFIED), MAX_MANIFEST).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    fn store(&self, stamps: &Verified) -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(&self.dir)?;
        serde_json::to_writer(&mut file, stamps)?;
        file.persist(self.dir.join(files::VERIFIED)).map_err(|e| e.error)?;
        Ok(())
    }
}

#[cfg(test)]
#[path = "image_test.rs"]
mod tests;
