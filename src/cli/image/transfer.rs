//! `qvm image export` and `qvm image import`.

use std::{
    env,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use guest_image::{Arch, Cache, Digest, Image, Origin, Reporter};
use models::{Curl, curl::Body};

use crate::error::Error;

/// Writes an image to a file and prints what pins it.
pub fn export(image: &Image, file: &Path) -> Result<(), Error> {
    let digest = guest_image::export(image, file)?;
    super::super::print(&format!("sha256:{digest}\n"))
}

/// Takes an image from a file or an address.
pub fn import(
    cache: &Cache,
    from: &str,
    digest: Digest,
    name: Option<String>,
    arch: Arch,
    quiet: bool,
) -> Result<(), Error> {
    let remote = from.starts_with("https://") || from.starts_with("http://");
    let (source, mut archive) = if remote {
        (from.to_owned(), Archive::Remote(fetch(from)?))
    } else {
        let path = Path::new(from);
        let path = path.canonicalize().map_err(|e| unreadable(path, e))?;
        let file = File::open(&path).map_err(|e| unreadable(&path, e))?;
        (path.display().to_string(), Archive::Local(io::BufReader::new(file)))
    };
    let mut reporter = Reporter::new(quiet);
    let taken = guest_image::import(cache, &mut archive, digest, arch, &mut |progress| {
        reporter.update(progress);
    });
    reporter.finish();
    let image = match (taken, archive) {
        (Ok(image), _) => image,
        (Err(error), archive) => return Err(archive.why().unwrap_or(Error::from(error))),
    };
    cache.record(&Origin { name, source, state: None, digest: image.digest })?;
    super::super::print(&format!("{}\n", image.digest))
}

/// An archive that is being read.
enum Archive {
    Local(io::BufReader<File>),
    Remote(Body),
}

impl Read for Archive {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Local(file) => file.read(to),
            Self::Remote(body) => body.read(to),
        }
    }
}

impl Archive {
    /// What broke a transfer, where that is behind an archive that could not be read.
    fn why(self) -> Option<Error> {
        match self {
            Self::Remote(body) => {
                body.failure().map(|why| Error::Fetch(format!("cannot fetch the image: {why}")))
            }
            Self::Local(_) => None,
        }
    }
}

fn fetch(url: &str) -> Result<Body, Error> {
    // No token goes along: it is for the models' hub.
    let variable = |name: &str| env::var_os(name).filter(|_| name != "HF_TOKEN");
    let shared: [PathBuf; 0] = [];
    let failed = |why: String| Error::Fetch(format!("cannot fetch the image: {why}"));
    let curl = Curl::find(variable, &shared).map_err(|_| {
        failed("curl is not installed; fetch the file otherwise and import that".into())
    })?;
    curl.fetch(url).map_err(|e| failed(e.to_string()))
}

fn unreadable(path: &Path, error: io::Error) -> Error {
    Error::Fetch(format!("cannot read {}: {error}", path.display()))
}
