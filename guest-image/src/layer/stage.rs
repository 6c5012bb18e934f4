//! The directory that becomes a layer.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{LayerError, client};
use crate::Digest;
use crate::files::{FileError, failed};

/// Where agents lie in the guest.
const PLACE: &str = "/opt/qvm/agents";

/// Where their programs are found.
const PROGRAMS: &str = "/usr/local/bin";

/// A layer that is being put together.
#[derive(Debug)]
pub struct Stage {
    root: PathBuf,
}

impl Stage {
    /// An empty one, inside `work`.
    pub fn new(work: &Path) -> Result<Self, FileError> {
        let stage = Self { root: work.join("stage") };
        for path in [stage.on_host(Path::new(PLACE)), stage.on_host(Path::new(PROGRAMS))] {
            fs::create_dir_all(&path).map_err(failed("make", &path))?;
        }
        Ok(stage)
    }

    /// The path that a file of an agent has in the guest.
    pub fn guest_path(&self, agent: &str, file: &str) -> PathBuf {
        Path::new(PLACE).join(agent).join(file)
    }

    /// Makes a folder of an agent, if it is missing.
    pub fn folder(&self, agent: &str, name: &str) -> Result<PathBuf, FileError> {
        let path = self.on_host(&self.guest_path(agent, name));
        fs::create_dir_all(&path).map_err(failed("make", &path))?;
        Ok(path)
    }

    /// Moves a program here.
    pub fn take(&self, from: &Path, agent: &str, to: &str) -> Result<(), FileError> {
        let to = self.on_host(&self.guest_path(agent, to));
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder).map_err(failed("make", folder))?;
        }
        fs::rename(from, &to).map_err(failed("move", from))?;
        self.executable(&to)
    }

    /// Lets everybody run a file.
    pub fn executable(&self, path: &Path) -> Result<(), FileError> {
        fs::set_permissions(path, Permissions::from_mode(0o755)).map_err(failed("change", path))
    }

    /// Makes an agent's program found under the agent's name.
    pub fn link(&self, agent: &str, program: &str) -> Result<(), FileError> {
        let link = self.on_host(&Path::new(PROGRAMS).join(agent));
        symlink(self.guest_path(agent, program), &link).map_err(failed("make", &link))
    }

    /// Makes the image. The same files make the same image.
    pub fn pack(
        &self,
        image: &Path,
        epoch: u64,
        digest: &Digest,
        work: &Path,
    ) -> Result<(), LayerError> {
        settle(&self.root)?;
        Ok(mkfs(&self.root, image, epoch, digest, work)?)
    }

    fn on_host(&self, path: &Path) -> PathBuf {
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }
}

/// Makes an image of what is below `root`, all of it the root user's and of the same time.
pub fn mkfs(
    root: &Path,
    image: &Path,
    epoch: u64,
    digest: &Digest,
    work: &Path,
) -> Result<(), client::ClientError> {
    let mut mkfs = Command::new("mkfs.erofs");
    // As the root: lz4 costs a processor the least to read.
    mkfs.args(["--quiet", "-zlz4", "-C16384", "-x-1", "--all-root"])
        .arg(format!("-T{epoch}"))
        .arg(format!("-U{}", digest.uuid()))
        .arg(image)
        .arg(root)
        .env_remove("SOURCE_DATE_EPOCH");
    client::run("mkfs.erofs", &mut mkfs, work)
}

/// Gives everything below `path` the rights that do not depend on who made it, and removes what
/// Python compiled for another Python.
fn settle(path: &Path) -> Result<(), FileError> {
    let meta = fs::symlink_metadata(path).map_err(failed("find", path))?;
    if meta.is_symlink() {
        return Ok(());
    }
    let mode = match meta.is_dir() || meta.permissions().mode() & 0o100 != 0 {
        true => 0o755,
        false => 0o644,
    };
    fs::set_permissions(path, Permissions::from_mode(mode)).map_err(failed("change", path))?;
    if !meta.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(path).map_err(failed("read", path))? {
        let inside = entry.map_err(failed("read", path))?.path();
        if inside.file_name().is_some_and(|name| name == "__pycache__") {
            fs::remove_dir_all(&inside).map_err(failed("remove", &inside))?;
        } else {
            settle(&inside)?;
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "stage_test.rs"]
mod tests;
