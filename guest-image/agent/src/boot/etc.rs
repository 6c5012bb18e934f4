//! Files in `/etc` that depend on the host.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use agent_protocol::{GuestConfig, User};

use super::users;
use crate::log;

/// No name server: queries go to the guest's own loopback, where nobody listens, and so fail at
/// once instead of after a timeout.
const RESOLV: &str = "options timeout:1 attempts:1\n";

/// Most bytes read of a database in the image.
const MOST: u64 = 4 << 20;

/// Writes them. A guest that lacks one of them still works.
pub fn write(config: &GuestConfig, user: &User, shell: &str) {
    let failed =
        |path: &str, error: io::Error| log::warn(format_args!("cannot write {path}: {error}"));
    let hostname = hostname(&config.hostname);
    if let Err(error) = rustix::system::sethostname(hostname.as_bytes()) {
        failed("the host name", error.into());
    }
    for (path, content) in [
        ("/etc/hostname", format!("{hostname}\n")),
        ("/etc/hosts", hosts(hostname)),
        ("/etc/resolv.conf", RESOLV.into()),
    ] {
        if let Err(error) = replace(path, content.as_bytes()) {
            failed(path, error);
        }
    }
    type Edit<'a> = &'a dyn Fn(&[u8]) -> Vec<u8>;
    let edits: [(&str, Edit<'_>); 5] = [
        ("/etc/passwd", &|image| users::passwd(image, user, shell)),
        ("/etc/group", &|image| users::group(image, user)),
        ("/etc/shadow", &|image| users::shadow(image, user)),
        ("/etc/subuid", &|image| users::subordinate(image, user)),
        ("/etc/subgid", &|image| users::subordinate(image, user)),
    ];
    for (path, edit) in edits {
        if let Err(error) = change(path, edit) {
            failed(path, error);
        }
    }
}

/// `name` if the kernel and the files can have it.
fn hostname(name: &str) -> &str {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    if !name.is_empty() && name.len() <= 64 && name.bytes().all(plain) { name } else { "qvm" }
}

/// `/etc/hosts`.
fn hosts(hostname: &str) -> String {
    format!("127.0.0.1 localhost\n127.0.1.1 {hostname}\n::1 localhost ip6-localhost ip6-loopback\n")
}

/// Writes a file anew, also where the image has a link that leads nowhere.
fn replace(path: &str, content: &[u8]) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::write(path, content)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o644))
}

/// Rewrites a file; its owner and mode stay.
fn change(path: &str, edit: &dyn Fn(&[u8]) -> Vec<u8>) -> io::Result<()> {
    let old = match fs::metadata(path) {
        Ok(metadata) if metadata.len() > MOST => return Err(io::ErrorKind::InvalidData.into()),
        Ok(_) => fs::read(Path::new(path))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error),
    };
    fs::write(path, edit(&old))
}

#[cfg(test)]
#[path = "etc_test.rs"]
mod tests;
