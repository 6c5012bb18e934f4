//! The caller's entries in the databases of users and groups.

use agent_protocol::User;

/// Login name of a caller whose own cannot be used in the guest.
const FALLBACK: &str = "user";

/// How many subordinate ids the caller gets: what `podman` and `unshare --map-auto` want.
const SUBORDINATE: u32 = 65_536;

/// Where Debian begins with subordinate ids, and where to begin if the caller is among those.
const SUBORDINATE_STARTS: [u32; 2] = [100_000, 0x7000_0000];

/// The caller with names that the databases can hold. A user or group called `root` that is not
/// number 0 would give programs the wrong idea, so it gets another name.
pub fn settle(user: &User) -> User {
    let mut user = user.clone();
    if !is_name(&user.name) || (user.name == "root" && user.uid != 0) {
        user.name = FALLBACK.into();
    }
    if !is_name(&user.group) || (user.group == "root" && user.gid != 0) {
        user.group.clone_from(&user.name);
    }
    if user.home.first() != Some(&b'/') {
        user.home = b"/".to_vec();
    }
    user
}

/// Whether `name` can be a field of the databases. A number, which a caller has who is in no
/// database of the host, cannot: some programs would take it for the number of somebody, and
/// `podman` for two entries in one.
fn is_name(name: &str) -> bool {
    !name.bytes().all(|byte| byte.is_ascii_digit())
        && !name.starts_with(['-', '+'])
        && !name.contains(|c: char| {
            c == ':' || c == '/' || c == ',' || c.is_control() || c.is_whitespace()
        })
}

/// `/etc/passwd`: the image's, with the caller. An entry of the image with the caller's name or
/// number gives way to the caller's, but root stays root.
pub fn passwd(image: &[u8], user: &User, shell: &str) -> Vec<u8> {
    let home: &[u8] =
        if user.home.iter().any(|&byte| byte == b':' || byte == b'\n') { b"/" } else { &user.home };
    let mut entry =
        format!("{}:x:{}:{}:{}:", user.name, user.uid, user.gid, user.name).into_bytes();
    entry.extend_from_slice(home);
    entry.extend_from_slice(format!(":{shell}").as_bytes());
    replace(image, &user.name, user.uid, entry)
}

/// `/etc/group`: the image's, with the caller's primary group; as [`passwd`].
pub fn group(image: &[u8], user: &User) -> Vec<u8> {
    replace(image, &user.group, user.gid, format!("{}:x:{}:", user.group, user.gid).into_bytes())
}

/// `/etc/shadow`: the image's, with the caller, who has no password.
pub fn shadow(image: &[u8], user: &User) -> Vec<u8> {
    let entry = format!("{}:*:20000:0:99999:7:::", user.name).into_bytes();
    let kept = image
        .split(|&byte| byte == b'\n')
        .filter(|line| field(line, 0) != Some(user.name.as_bytes()));
    lines(kept.chain([entry.as_slice()]))
}

/// `/etc/subuid` and `/etc/subgid`: numbers for the caller's containers (requirement A15).
pub fn subordinate(image: &[u8], user: &User) -> Vec<u8> {
    let free = |start: u32| {
        ![user.uid, user.gid].iter().any(|id| (start..start + SUBORDINATE).contains(id))
    };
    let [usual, other] = SUBORDINATE_STARTS;
    let start = if free(usual) { usual } else { other };
    let entry = format!("{}:{start}:{SUBORDINATE}", user.name).into_bytes();
    let kept = image
        .split(|&byte| byte == b'\n')
        .filter(|line| field(line, 0) != Some(user.name.as_bytes()));
    lines(kept.chain([entry.as_slice()]))
}

/// The lines of `image` without those of the same name or number, and `entry`. Number 0 stays
/// `root`: its own new entry comes first, another name for it comes after.
fn replace(image: &[u8], name: &str, number: u32, entry: Vec<u8>) -> Vec<u8> {
    let number = number.to_string();
    let kept = image.split(|&byte| byte == b'\n').filter(|line| {
        let is_root = field(line, 0) == Some(b"root");
        let same_name = field(line, 0) == Some(name.as_bytes());
        let same_number = field(line, 2) == Some(number.as_bytes());
        !same_name && (!same_number || is_root)
    });
    if name == "root" {
        lines([entry.as_slice()].into_iter().chain(kept))
    } else {
        lines(kept.chain([entry.as_slice()]))
    }
}

/// A field of a line, counted from 0.
fn field(line: &[u8], number: usize) -> Option<&[u8]> {
    line.split(|&byte| byte == b':').nth(number)
}

/// Lines, each with its end; empty ones are left out.
fn lines<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut text = Vec::new();
    for line in lines.filter(|line| !line.is_empty()) {
        text.extend_from_slice(line);
        text.push(b'\n');
    }
    text
}

#[cfg(test)]
#[path = "users_test.rs"]
mod tests;
