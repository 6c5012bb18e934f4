//! Cache, image, agent, configuration.

use std::path::Path;

use guest_image::{
    Arch, Cache, CacheError, Image, Kernel, KernelRecipe, Recipe, agent,
    debian::{ToolsError, check_tools},
};

use crate::{
    doctor::report::Finding,
    error,
    policy::{config, host::Host, units::show_bytes},
};

/// Room that building an image takes, in bytes, with some to spare.
const ROOM: u64 = 2 << 30;

/// All of them.
pub fn all(host: &Host) -> Vec<Finding> {
    let mut findings = Vec::new();
    match Cache::open() {
        Ok(cache) => {
            let image = cache.find(&Recipe::default_debian());
            findings.push(room(cache.root(), free(cache.root()), matches!(image, Ok(Some(_)))));
            findings.push(default_image(image, check_tools));
            findings.push(kernel(cache.find_kernel(&KernelRecipe::default_debian())));
        }
        Err(e) => findings.push(Finding::error("cache", &e)),
    }
    findings.push(match agent::locate(Arch::HOST) {
        Ok(path) => Finding::ok("agent", path.display().to_string()),
        Err(e) => Finding::error("agent", &e),
    });
    let file = host.dirs.config.join("config.toml");
    findings.push(match config::read(&file) {
        Ok(_) if file.exists() => Finding::ok("config", file.display().to_string()),
        Ok(_) => Finding::ok("config", format!("{} is absent, so defaults hold", file.display())),
        Err(e) => Finding::fail("config", error::line(&e), "mend or remove the file"),
    });
    findings
}

/// Room in the cache. Only a machine without an image needs much.
pub fn room(cache: &Path, free: Option<u64>, built: bool) -> Finding {
    let Some(free) = free else {
        return Finding::warn(
            "cache",
            format!("{} cannot be looked at", cache.display()),
            "check that you may write there",
        );
    };
    let fact = format!("{} has {} free", cache.display(), show_bytes(free));
    if free < ROOM && !built {
        return Finding::warn(
            "cache",
            fact,
            format!(
                "building an image takes up to {}; make room or set QVM_CACHE",
                show_bytes(ROOM)
            ),
        );
    }
    Finding::ok("cache", fact)
}

/// Free bytes for this user where a directory is or would be made.
pub fn free(path: &Path) -> Option<u64> {
    let there = path.ancestors().find(|p| p.exists())?;
    let stat = rustix::fs::statvfs(there).ok()?;
    Some(stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// The microVM kernel. Without it machines start, but not at once.
pub fn kernel(found: Result<Option<Kernel>, CacheError>) -> Finding {
    let checked = found.and_then(|kernel| match kernel {
        Some(kernel) => kernel.stored().check().map(|()| Some(kernel)).map_err(CacheError::from),
        None => Ok(None),
    });
    match checked {
        Ok(Some(kernel)) => Finding::ok("kernel", format!("{}, verified", kernel.version())),
        Ok(None) => Finding::ok(
            "kernel",
            "the image's own; `qvm image kernel` makes one that starts sooner",
        ),
        Err(e) => Finding::error("kernel", &e),
    }
}

/// The default image. One that is not built yet is in the way only where it cannot be built.
pub fn default_image(
    found: Result<Option<Image>, CacheError>,
    tools: impl FnOnce() -> Result<(), ToolsError>,
) -> Finding {
    let checked = found.and_then(|image| match image {
        Some(image) => image.check().map(|()| Some(image)).map_err(CacheError::from),
        None => Ok(None),
    });
    match checked {
        Ok(Some(image)) => Finding::ok(
            "image",
            format!("{} ({}), verified", image.digest.short(), image.manifest.kernel),
        ),
        Ok(None) => match tools() {
            Ok(()) => Finding::warn(
                "image",
                "not built yet",
                "the first run builds it, or `qvm image build` now",
            ),
            Err(e) => Finding::error("image", &e),
        },
        Err(e) => Finding::error("image", &e),
    }
}
