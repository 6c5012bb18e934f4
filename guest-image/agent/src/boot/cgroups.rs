//! A cgroup for each command, which the command's user may divide further.

use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};

use super::mounts::CGROUP;
use crate::account::Account;

/// The cgroup of systemd, for images that have it.
pub const SYSTEMD: &str = "/sys/fs/cgroup/systemd";

/// Files of a cgroup that its user may write, beside the folder itself
/// (`Documentation/admin-guide/cgroup-v2.rst`, "Delegation").
const DELEGATED: [&str; 3] = ["cgroup.procs", "cgroup.threads", "cgroup.subtree_control"];

/// Makes the controllers available to the commands' cgroups.
pub fn enable_controllers() {
    let Ok(available) = fs::read_to_string(Path::new(CGROUP).join("cgroup.controllers")) else {
        return;
    };
    let all: Vec<String> = available.split_whitespace().map(|name| format!("+{name}")).collect();
    let control = Path::new(CGROUP).join("cgroup.subtree_control");
    // All at once is quickest; one that the kernel refuses makes it refuse them all.
    if fs::write(&control, all.join(" ")).is_err() {
        for one in all {
            let _ = fs::write(&control, one);
        }
    }
}

/// Makes a cgroup.
///
/// # Errors
/// What making a folder says.
pub fn make(path: &str) -> io::Result<OwnedFd> {
    fs::create_dir(path)?;
    Ok(File::open(path)?.into())
}

/// Makes the cgroup of command `id` in `parent`. Without one the command runs all the same.
pub fn create(parent: &str, id: u32, account: &Account) -> Option<OwnedFd> {
    let path = path(parent, id);
    fs::create_dir(&path).ok()?;
    if account.uid != 0 {
        let owner = (Some(account.uid), Some(account.gid));
        let _ = chown(&path, owner.0, owner.1);
        for file in DELEGATED {
            let _ = chown(path.join(file), owner.0, owner.1);
        }
    }
    File::open(path).ok().map(OwnedFd::from)
}

/// Kills everything in the cgroup of command `id`.
pub fn kill(parent: &str, id: u32) {
    let _ = fs::write(path(parent, id).join("cgroup.kill"), "1");
}

/// Removes the cgroup of command `id` if nothing is in it.
pub fn remove(parent: &str, id: u32) {
    let _ = fs::remove_dir(path(parent, id));
}

fn path(parent: &str, id: u32) -> PathBuf {
    Path::new(parent).join(format!("command-{id}"))
}
