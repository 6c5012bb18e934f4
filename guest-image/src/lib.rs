//! Guest images: what they are made of, how they are made, and where they are kept.
//!
//! An image is a directory of the cache, named by the digest of its [`Recipe`]:
//!
//! | file            | what                                                              |
//! |-----------------|-------------------------------------------------------------------|
//! | `vmlinux`       | the kernel without compression: ELF for PVH, `Image` on aarch64   |
//! | `vmlinuz`       | the same kernel as Debian ships it                                |
//! | `config`        | its configuration                                                 |
//! | `modules.cpio`  | the kernel modules that the agent needs to mount the root         |
//! | `root.erofs`    | the read-only root                                                |
//! | `manifest.json` | what the above are: sizes, digests, packages ([`Manifest`])       |
//! | `verified.json` | which files were last seen to match the manifest                  |
//!
//! Only the root is in every image. A [`Kernel`] of the same cache can boot in place of the
//! image's own, and agents come as a [`Layer`]: `layer.erofs` in a directory of its own.
//!
//! [`build()`] makes one, at once or not at all: it works in a temporary directory of the same
//! cache under a lock and renames the result into place.
#![forbid(unsafe_code)]

pub mod agent;
pub mod agents;
mod arch;
mod archive;
mod arm64_image;
mod build;
mod bzimage;
mod cache;
pub mod cpio;
pub mod debian;
mod digest;
mod files;
#[doc(hidden)]
pub mod fuzzing;
mod image;
mod kernel;
mod layer;
mod lock;
mod manifest;
mod modules;
pub mod nix;
mod origin;
mod program;
mod progress;
mod ready;
mod recipe;
mod shelf;
mod sys;

pub use arch::{Arch, ArchError};
pub use build::{Bootstrap, BootstrapError, BuildError, Contents, build, build_with};
pub use bzimage::{BzImageError, Compression, Payload, payload};
pub use cache::{Cache, CacheError, Listed, Pruned};
pub use digest::{Digest, DigestError};
pub use files::FileError;
pub use image::{Image, ImageError};
pub use kernel::{
    Kernel, KernelFileError, KernelRecipe, KernelSource, Options, build_kernel, check_kernel_file,
};
pub use layer::{ChoiceError, Layer, LayerRecipe, build_layer, layer_for};
pub use manifest::{FileEntry, Manifest, ManifestError, Package};
pub use modules::{ModulesError, load_order};
pub use origin::Origin;
pub use progress::{Phase, Progress, Reporter};
pub use ready::{ReadyError, export, import};
pub use recipe::Recipe;
