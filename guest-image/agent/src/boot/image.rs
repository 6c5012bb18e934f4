//! What the image says about itself, where it says anything: `/etc/qvm/guest.json`.

use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::{OpenOptionsExt, symlink};
use std::path::Path;

use agent_protocol::{IMAGE_CONFIG, ImageConfig, ImageConfigError, MAX_IMAGE_CONFIG};

use super::folders;

/// The image's own words cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The file is there but cannot be read.
    #[error("cannot read {IMAGE_CONFIG} of the image")]
    Read(#[source] io::Error),
    /// The file is not what it should be.
    #[error("{IMAGE_CONFIG} of the image cannot be used; correct it and build the image again")]
    Content(#[from] ImageConfigError),
    /// A link cannot be made.
    #[error("cannot make the link {link} that {IMAGE_CONFIG} of the image asks for")]
    Link {
        /// Its path.
        link: String,
        /// What making it says.
        #[source]
        source: io::Error,
    },
}

/// Reads the file. Most images have none.
///
/// # Errors
/// [`ImageError::Read`] and [`ImageError::Content`].
pub fn read() -> Result<ImageConfig, ImageError> {
    // Whatever is there instead of a file, opening it does not wait.
    let file = match OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(IMAGE_CONFIG)
    {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(ImageConfig::default()),
        Err(error) => return Err(ImageError::Read(error)),
    };
    let mut bytes = Vec::new();
    let most = u64::try_from(MAX_IMAGE_CONFIG).unwrap_or(u64::MAX);
    file.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(ImageError::Read)?;
    Ok(ImageConfig::parse(&bytes)?)
}

/// Makes the links below `/run`, which must be mounted, and the folders above them.
///
/// # Errors
/// [`ImageError::Link`].
pub fn make_links(config: &ImageConfig) -> Result<(), ImageError> {
    for (link, target) in &config.links {
        let path = Path::new(link);
        let folder = path.parent().unwrap_or(path);
        folders::make(folder, Path::new("/"), 0, 0)
            .and_then(|()| symlink(target, path))
            .map_err(|source| ImageError::Link { link: link.clone(), source })?;
    }
    Ok(())
}
