//! Files in `/etc` that depend on the host.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;

use agent_protocol::{GuestConfig, User};

use super::users;
use crate::log;

/// No name server: queries go to the guest's own loopback, where nobody listens, and so fail at
/// once instead of after a timeout.
const RESOLV: &str = "options timeout:1 attempts:1\n";

/// Most bytes read of a database in the image.
const MOST: u64 = 4 << 20;

/// `/etc/group` where the image has none, which activation would have made.
const GROUPS: &[u8] = b"root:x:0:\ntty:x:5:\nnogroup:x:65534:\n";

/// A database: its path, its mode if it is made, what is in it if the image has none, and what
/// is to be changed in it.
type Database<'a> = (&'static str, u32, Vec<u8>, &'a dyn Fn(&[u8]) -> Vec<u8>);

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
        if let Err(error) = replace(path, content.as_bytes(), 0o644) {
            failed(path, error);
        }
    }
    let people = format!("root:x:0:0:root:/root:{shell}\nnobody:x:65534:65534::/:/bin/false\n");
    let none = Vec::new;
    let databases: [Database<'_>; 5] = [
        ("/etc/passwd", 0o644, people.into(), &|image| users::passwd(image, user, shell)),
        ("/etc/group", 0o644, GROUPS.into(), &|image| users::group(image, user)),
        ("/etc/shadow", 0o600, none(), &|image| users::shadow(image, user)),
        ("/etc/subuid", 0o644, none(), &|image| users::subordinate(image, user)),
        ("/etc/subgid", 0o644, none(), &|image| users::subordinate(image, user)),
    ];
    for (path, mode, base, edit) in databases {
        if let Err(error) = change(path, mode, &base, edit) {
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

/// Writes a file anew, also where the image has a link, wherever that leads.
fn replace(path: &str, content: &[u8], mode: u32) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut new = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    new.write_all(content)
}

/// Rewrites a file; its owner and mode stay. In place of a link, which may lead into a store that
/// nobody writes to, or nowhere, there is a file of its own afterwards.
fn change(path: &str, mode: u32, base: &[u8], edit: &dyn Fn(&[u8]) -> Vec<u8>) -> io::Result<()> {
    let found = fs::symlink_metadata(path);
    let is_file = found.as_ref().is_ok_and(fs::Metadata::is_file);
    let old = match if is_file { found } else { fs::metadata(path) } {
        Ok(metadata) if metadata.len() > MOST => return Err(io::ErrorKind::InvalidData.into()),
        Ok(_) => fs::read(path)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => base.to_vec(),
        Err(error) => return Err(error),
    };
    if is_file { fs::write(path, edit(&old)) } else { replace(path, &edit(&old), mode) }
}

#[cfg(test)]
#[path = "etc_test.rs"]
mod tests;
