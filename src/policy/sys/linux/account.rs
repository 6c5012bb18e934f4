//! The user database of Linux.
//!
//! The files are read here, and other services are asked through `getent`: a static glibc, which
//! this binary has, would load the host's service modules into itself and crash in them.

use std::{
    ffi::OsString,
    fs::File,
    io::{self, BufRead, BufReader, Read},
    os::unix::ffi::OsStringExt,
    path::PathBuf,
    process::{Command, Stdio},
};

/// Most that is read of a database, in bytes.
const MOST: u64 = 64 << 20;

/// Asks the services that `nsswitch.conf` names. By its path, so that nothing of `PATH` runs.
const GETENT: &str = "/usr/bin/getent";

/// Name and home directory of a user: passwd(5).
pub fn user(uid: u32) -> Option<(String, Option<PathBuf>)> {
    let entry = entry("passwd", uid)?;
    let home = entry.get(5).filter(|home| !home.is_empty()).cloned();
    Some((name(&entry)?, home.map(|home| PathBuf::from(OsString::from_vec(home)))))
}

/// Name of a group: group(5).
pub fn group(gid: u32) -> Option<String> {
    name(&entry("group", gid)?)
}

fn name(entry: &[Vec<u8>]) -> Option<String> {
    entry.first().map(|name| String::from_utf8_lossy(name).into_owned())
}

/// The fields of the entry with this number.
fn entry(database: &str, id: u32) -> Option<Vec<Vec<u8>>> {
    let file = File::open(format!("/etc/{database}"));
    file.ok().and_then(|file| find(file, id).ok().flatten()).or_else(|| {
        let asked = Command::new(GETENT)
            .args([database, &id.to_string()])
            .env_clear()
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output()
            .ok()?;
        find(asked.stdout.as_slice(), id).ok().flatten()
    })
}

/// Looks for a number in the third field, as in both databases.
fn find(from: impl Read, id: u32) -> io::Result<Option<Vec<Vec<u8>>>> {
    let id = id.to_string();
    for line in BufReader::new(from.take(MOST)).split(b'\n') {
        let line = line?;
        let fields: Vec<&[u8]> = line.split(|byte| *byte == b':').collect();
        // Comments are no entries, nor are NIS lines, which begin with a sign.
        let real = line.first().is_some_and(|first| !b"#+-:".contains(first));
        if real && fields.get(2).is_some_and(|field| *field == id.as_bytes()) {
            return Ok(Some(fields.into_iter().map(<[u8]>::to_vec).collect()));
        }
    }
    Ok(None)
}

#[cfg(test)]
#[path = "account_test.rs"]
mod tests;
