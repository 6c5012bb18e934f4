//! An agent from a package of the npm registry.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::stage::Stage;
use super::{LayerError, client, sha512};
use crate::agents::Npm;
use crate::files::failed;

/// Fetches the package, makes sure that it is the one meant, and takes the program out of it. No
/// script of the package is run.
pub fn fetch(agent: &str, npm: &Npm, stage: &Stage, work: &Path) -> Result<(), LayerError> {
    let package = format!("{}@{}", npm.package, npm.version);
    let dir = work.join(format!("npm-{agent}"));
    fs::create_dir(&dir).map_err(failed("make", &dir))?;
    let mut pack = Command::new("npm");
    pack.args(["pack", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"])
        .arg("--pack-destination")
        .arg(&dir)
        .arg(&package);
    client::run("npm", &mut pack, work)?;
    let tarball = tarball(&dir)?
        .ok_or_else(|| LayerError::Lacks { package: package.clone(), file: "tarball".into() })?;
    let found = sha512::integrity(&tarball).map_err(failed("read", &tarball))?;
    if found != npm.integrity {
        return Err(LayerError::Integrity { package, found, expected: npm.integrity });
    }
    let mut unpack = Command::new("tar");
    unpack.arg("-xzf").arg(&tarball).arg("-C").arg(&dir).args(["--no-same-owner", "--"]);
    // All files of a package are below this folder.
    unpack.args(npm.keep.iter().map(|(from, _)| format!("package/{from}")));
    client::run("tar", &mut unpack, work)?;
    for (from, to) in npm.keep {
        stage.take(&dir.join("package").join(from), agent, to)?;
    }
    stage.link(agent, npm.keep.first().map_or("", |(_, to)| to))?;
    // As large as the program itself.
    Ok(fs::remove_dir_all(&dir).map_err(failed("remove", &dir))?)
}

/// The one tarball in a directory.
fn tarball(dir: &Path) -> Result<Option<PathBuf>, LayerError> {
    let read = || failed("read", dir);
    for entry in fs::read_dir(dir).map_err(read())? {
        let path = entry.map_err(read())?.path();
        if path.extension().is_some_and(|ending| ending == "tgz") {
            return Ok(Some(path));
        }
    }
    Ok(None)
}
