//! The programs that the build calls, and what to install where they are missing.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// Programs and the Debian packages that bring them. Decompressors are programs and not crates:
/// they are on every Debian machine, are updated with it, and add no code to `qvm` that only
/// ever reads packages whose signature was verified.
const NEEDED: [(&str, &str); 5] = [
    ("mmdebstrap", "mmdebstrap"),
    ("mkfs.erofs", "erofs-utils"),
    ("xz", "xz-utils"),
    ("zstd", "zstd"),
    ("dpkg-deb", "dpkg"),
];
/// The keys that Debian signs its archive with.
pub const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Something is missing to make images.
#[derive(Debug, thiserror::Error)]
pub enum ToolsError {
    /// Packages are to be installed.
    #[error("making the image needs {packages}: run `{sudo}apt-get install {packages}`")]
    Packages {
        /// Their names, parted by spaces.
        packages: String,
        /// `sudo ` for those who are not root.
        sudo: &'static str,
    },
    /// Not Debian, nor made of it.
    #[error(
        "making the image needs apt and mmdebstrap, which this system does not have: run `qvm image build --arch {}` and \
         `qvm image export` on a Debian machine and `qvm image import` here, or have Nix make one (`--image nixos`)",
        crate::Arch::HOST
    )]
    NotDebian,
    /// No user namespace of more than one user.
    #[error(
        "making the image as this user needs a range of user ids in /etc/subuid and /etc/subgid: run \
         `sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {user}`"
    )]
    SubIds {
        /// The user's name.
        user: String,
    },
}

/// Makes sure that everything is there.
pub fn check() -> Result<(), ToolsError> {
    let uid = rustix::process::geteuid().as_raw();
    let path = env::var("PATH").unwrap_or_default();
    let has = |program: &str| on_path(program, &path);
    if !has("apt-get") {
        return Err(ToolsError::NotDebian);
    }
    let missing = missing(has, Path::new(KEYRING).exists(), uid == 0);
    if !missing.is_empty() {
        let sudo = if uid == 0 { "" } else { "sudo " };
        return Err(ToolsError::Packages { packages: missing.join(" "), sudo });
    }
    let user =
        env::var("USER").or_else(|_| env::var("LOGNAME")).unwrap_or_else(|_| uid.to_string());
    let ranges = |file| has_range(&fs::read_to_string(file).unwrap_or_default(), &user, uid);
    if uid == 0 || (ranges("/etc/subuid") && ranges("/etc/subgid")) {
        Ok(())
    } else {
        Err(ToolsError::SubIds { user })
    }
}

fn missing(has: impl Fn(&str) -> bool, keyring: bool, root: bool) -> Vec<&'static str> {
    let mut packages: Vec<&str> =
        NEEDED.iter().filter(|(program, _)| !has(program)).map(|&(_, package)| package).collect();
    if !keyring {
        packages.push("debian-archive-keyring");
    }
    if !root && !has("newuidmap") {
        packages.push("uidmap");
    }
    packages
}

/// Whether a program is in a folder of `path`, or where administrators' programs are.
pub fn on_path(program: &str, path: &str) -> bool {
    find(program, path).is_some()
}

/// Where it is.
pub fn find(program: &str, path: &str) -> Option<PathBuf> {
    // As mmdebstrap does: an ordinary user's PATH often lacks where administrators' programs are.
    let dirs = path.split(':').chain(["/usr/sbin", "/sbin"]);
    dirs.map(|dir| Path::new(dir).join(program)).find(|path| path.is_file())
}

/// Whether /etc/subuid or /etc/subgid gives this user enough ids for a system of its own.
fn has_range(text: &str, user: &str, uid: u32) -> bool {
    text.lines().any(|line| {
        let mut fields = line.split(':');
        let owner = fields.next().unwrap_or_default();
        let count = fields.nth(1).and_then(|count| count.parse::<u64>().ok()).unwrap_or(0);
        (owner == user || owner == uid.to_string()) && count >= 65_536
    })
}

#[cfg(test)]
#[path = "tools_test.rs"]
mod tests;
