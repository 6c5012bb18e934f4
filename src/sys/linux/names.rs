//! Names of processes that listen: abstract Unix sockets (unix(7)), `KIND/UID/NAME`. The kernel
//! removes one with its process, however that ends, and lists them in /proc/net/unix.

use std::{
    io,
    os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixListener, UnixStream},
    },
};

/// Gives the name back when dropped, which the kernel does here.
#[derive(Debug)]
pub struct Name;

fn address(kind: &str, name: &str) -> io::Result<SocketAddr> {
    let uid = rustix::process::getuid().as_raw();
    SocketAddr::from_abstract_name(format!("{kind}/{uid}/{name}"))
}

/// Listens under a name.
///
/// # Errors
/// `AddrInUse` if somebody else does.
pub fn listen(kind: &str, name: &str) -> io::Result<(UnixListener, Name)> {
    Ok((UnixListener::bind_addr(&address(kind, name)?)?, Name))
}

/// Connects to who listens under a name.
///
/// # Errors
/// `ConnectionRefused` or `NotFound` if nobody does.
pub fn connect(kind: &str, name: &str) -> io::Result<UnixStream> {
    UnixStream::connect_addr(&address(kind, name)?)
}

/// Connections to all of this user who listen.
///
/// # Errors
/// If /proc/net/unix cannot be read.
pub fn all(kind: &str) -> io::Result<Vec<UnixStream>> {
    let table = std::fs::read_to_string("/proc/net/unix")?;
    let names = names(&table, kind, rustix::process::getuid().as_raw());
    Ok(names.iter().filter_map(|name| connect(kind, name).ok()).collect())
}

/// Names in a /proc/net/unix table that listen (`__SO_ACCEPTCON`, flag 0x10000) for `uid`.
pub(crate) fn names(table: &str, kind: &str, uid: u32) -> Vec<String> {
    let prefix = format!("@{kind}/{uid}/");
    let listening = table.lines().filter_map(|line| {
        let mut fields = line.split_ascii_whitespace();
        let flags = fields.nth(3)?;
        let path = fields.last()?;
        let name = path.strip_prefix(prefix.as_str())?;
        (flags == "00010000").then(|| name.to_owned())
    });
    let mut names: Vec<String> = listening.collect();
    names.sort();
    names.dedup();
    names
}

#[cfg(test)]
#[path = "names_test.rs"]
mod tests;
