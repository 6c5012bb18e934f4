//! Extended attributes. Only `user.` ones pass: the others mean something to the host's kernel
//! (capabilities, labels, access control lists) or to its administrator, and on macOS to its
//! programs (`com.apple.…`: where a file came from, resource forks).

use std::os::fd::OwnedFd;

use rustix::fs::{
    FileType, OFlags, XattrFlags, fgetxattr, fgetxattr_query, flistxattr, fremovexattr, fsetxattr,
};
use rustix::io::Errno;

use super::Passthrough;
use super::nodes::Node;
use crate::fs::name::XattrName;
use crate::fs::wire::{SetxattrIn, flags};

/// Largest value, and largest list of names (`XATTR_SIZE_MAX`, `XATTR_LIST_MAX`).
const MAX_SIZE: usize = 65536;

/// What a request about an attribute's value or the list of names gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The bytes were appended.
    Bytes,
    /// It asked for the size only.
    Size(u32),
}

fn is_user(name: &[u8]) -> bool {
    name.starts_with(b"user.")
}

impl Passthrough {
    /// Sets an attribute.
    ///
    /// # Errors
    /// The host's; `EOPNOTSUPP` for other name spaces, which tools that copy files take for a
    /// file system without them; `EROFS` in a read-only share.
    pub fn setxattr(
        &mut self,
        id: u64,
        request: &SetxattrIn,
        name: XattrName<'_>,
        value: &[u8],
    ) -> Result<(), Errno> {
        let flags = host_flags(request.flags)?;
        let file = self.to_change(id, name)?;
        fsetxattr(file, name.as_c_str(), value, flags)
    }

    /// Removes an attribute.
    ///
    /// # Errors
    /// As [`Passthrough::setxattr`].
    pub fn removexattr(&mut self, id: u64, name: XattrName<'_>) -> Result<(), Errno> {
        let file = self.to_change(id, name)?;
        fremovexattr(file, name.as_c_str())
    }

    /// Appends an attribute's value to `out`, or returns its size where `size` is 0.
    ///
    /// # Errors
    /// The host's; `ENODATA` for `security.` and `trusted.` attributes, of which no file has
    /// any; `EOPNOTSUPP` for other name spaces; `ERANGE` when the value is larger than `size`.
    pub fn getxattr(
        &mut self,
        id: u64,
        name: XattrName<'_>,
        size: u32,
        out: &mut Vec<u8>,
    ) -> Result<Answer, Errno> {
        let node = self.nodes.get(id)?;
        let raw = name.as_c_str().to_bytes();
        if !is_user(raw) {
            let none = raw.starts_with(b"security.") || raw.starts_with(b"trusted.");
            return Err(if none { Errno::NODATA } else { Errno::OPNOTSUPP });
        }
        let file = self.to_look_at(&node)?.ok_or(Errno::NODATA)?;
        if size == 0 {
            let length = fgetxattr_query(&file, name.as_c_str())?;
            return Ok(Answer::Size(u32::try_from(length).unwrap_or(u32::MAX)));
        }
        let start = out.len();
        out.resize(start + limited(size), 0);
        let result = fgetxattr(&file, name.as_c_str(), out.get_mut(start..).unwrap_or_default());
        out.truncate(start + *result.as_ref().unwrap_or(&0));
        result.map(|_| Answer::Bytes)
    }

    /// Appends the names of the attributes that pass to `out`, each with a zero at its end, or
    /// returns the length of that where `size` is 0.
    ///
    /// # Errors
    /// The host's; `ERANGE` when they are longer than `size`.
    pub fn listxattr(&mut self, id: u64, size: u32, out: &mut Vec<u8>) -> Result<Answer, Errno> {
        let node = self.nodes.get(id)?;
        let mut names = Vec::new();
        if let Some(file) = self.to_look_at(&node)? {
            names.resize(MAX_SIZE, 0);
            let length = flistxattr(&file, &mut names[..])?;
            names.truncate(length);
        }
        let user = names.split_inclusive(|byte| *byte == 0).filter(|name| is_user(name));
        if size == 0 {
            let length = user.map(<[u8]>::len).sum::<usize>();
            return Ok(Answer::Size(u32::try_from(length).unwrap_or(u32::MAX)));
        }
        let start = out.len();
        for name in user {
            out.extend_from_slice(name);
        }
        if out.len() - start > limited(size) {
            out.truncate(start);
            return Err(Errno::RANGE);
        }
        Ok(Answer::Bytes)
    }

    fn to_change(&self, id: u64, name: XattrName<'_>) -> Result<OwnedFd, Errno> {
        if self.read_only() {
            return Err(Errno::ROFS);
        }
        let node = self.nodes.get(id)?;
        if !is_user(name.as_c_str().to_bytes()) {
            return Err(Errno::OPNOTSUPP);
        }
        // The kernel lets only these two have attributes of users.
        self.to_look_at(&node)?.ok_or(Errno::PERM)
    }

    /// Opens a file or directory whichever way it lets itself be opened: attributes do not ask
    /// how. Nothing for other kinds.
    fn to_look_at(&self, node: &Node) -> Result<Option<OwnedFd>, Errno> {
        match node.kind {
            FileType::Directory => self.reopen(node, OFlags::DIRECTORY).map(Some),
            FileType::RegularFile => match self.reopen(node, OFlags::RDONLY) {
                Err(Errno::ACCESS) if !self.read_only() => {
                    self.reopen(node, OFlags::WRONLY).map(Some)
                }
                other => other.map(Some),
            },
            _ => Ok(None),
        }
    }
}

/// The guest's flags in the host's numbers.
fn host_flags(guest: u32) -> Result<XattrFlags, Errno> {
    let mut host = XattrFlags::empty();
    host.set(XattrFlags::CREATE, guest & flags::xattr::CREATE != 0);
    host.set(XattrFlags::REPLACE, guest & flags::xattr::REPLACE != 0);
    if guest & !(flags::xattr::CREATE | flags::xattr::REPLACE) != 0 {
        return Err(Errno::INVAL);
    }
    Ok(host)
}

fn limited(size: u32) -> usize {
    usize::try_from(size).unwrap_or(MAX_SIZE).min(MAX_SIZE)
}

#[cfg(test)]
#[path = "xattr_test.rs"]
mod tests;
