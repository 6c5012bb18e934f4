//! Which kernel boots, and `qvm image kernel`.

use std::path::Path;

use guest_image::{
    Arch, Cache, CacheError, Image, Kernel, KernelRecipe, Reporter, build_kernel, check_kernel_file,
};

use crate::error::Error;

/// The image's own kernel, by this name of `--kernel`.
const OWN: &str = "image";

/// Decides what boots in place of the image's own kernel, and makes sure that it can.
///
/// Without a wish that is the microVM kernel, if it was made; but not for a machine that loads
/// KVM (`nested`), as that kernel has no modules.
pub fn choose(
    cache: &Cache,
    arch: Arch,
    wish: Option<&str>,
    nested: bool,
    image: &mut Image,
) -> Result<(), Error> {
    let kernel = match wish {
        Some(OWN) => None,
        None if nested => None,
        None => cache.find_kernel(&KernelRecipe::debian(arch))?,
        Some(path) if path.contains('/') => {
            check_kernel_file(Path::new(path), arch)?;
            image.kernel = Some(path.into());
            return Ok(());
        }
        Some(name) => Some(cached(cache, name)?),
    };
    if let Some(kernel) = kernel {
        kernel.stored().check_for(arch).map_err(CacheError::from)?;
        image.kernel = Some(kernel.vmlinux());
    }
    Ok(())
}

/// A kernel of the cache by its name.
fn cached(cache: &Cache, name: &str) -> Result<Kernel, Error> {
    match cache.kernel(name) {
        Err(CacheError::Unknown(_)) => Err(Error::Usage(format!(
            "there is no kernel {name}: `qvm image kernel` makes microvm, `image` is the image's own, and a path has a slash in it"
        ))),
        found => Ok(found?),
    }
}

/// Which kernel would boot, for people: its version or path; `None` for the image's own.
pub fn told(
    cache: &Cache,
    arch: Arch,
    wish: Option<&str>,
    nested: bool,
) -> Result<Option<String>, Error> {
    Ok(match wish {
        Some(OWN) => None,
        None if nested => None,
        None => cache
            .find_kernel(&KernelRecipe::debian(arch))?
            .map(|kernel| kernel.version().to_owned()),
        Some(path) if path.contains('/') => Some(path.to_owned()),
        Some(name) => Some(cached(cache, name)?.version().to_owned()),
    })
}

/// Makes the kernel and prints its digest.
pub fn make(cache: &Cache, source: Option<&Path>, force: bool, quiet: bool) -> Result<(), Error> {
    let recipe = match source {
        None => KernelRecipe::default_debian(),
        Some(path) => KernelRecipe::of_archive(path).map_err(|e| {
            Error::Usage(format!("the kernel's source {} cannot be read: {e}", path.display()))
        })?,
    };
    if force {
        match cache.remove(&recipe.digest()) {
            Ok(()) | Err(CacheError::Unknown(_)) => {}
            Err(e) => return Err(e.into()),
        }
    }
    let mut reporter = Reporter::of("kernel", quiet);
    let built = build_kernel(cache, &recipe, &mut |progress| reporter.update(progress));
    reporter.finish();
    super::print(&format!("{}\n", built?.stored().digest))
}
