//! Names that a guest sends, checked once where they are decoded.

use std::ffi::CStr;

use rustix::io::Errno;

/// Longest name of a directory entry, in bytes (`NAME_MAX`).
pub const MAX_NAME: usize = 255;
/// Longest name of an extended attribute, in bytes (`XATTR_NAME_MAX`).
pub const MAX_XATTR_NAME: usize = 255;
/// Longest target of a symbolic link, in bytes, without the zero at its end (`PATH_MAX`).
pub const MAX_TARGET: usize = 4095;

/// One component of a path: not empty, no slash, no zero, neither `.` nor `..`, at most 255
/// bytes. Nothing else is ever given to a system call as a name, so that no call can step out
/// of the directory it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Name<'a>(&'a CStr);

impl<'a> Name<'a> {
    /// Checks bytes that end in zero.
    ///
    /// # Errors
    /// `ENAMETOOLONG`, or `EINVAL` for everything else that is no component.
    pub fn new(bytes: &'a CStr) -> Result<Self, Errno> {
        let raw = bytes.to_bytes();
        if raw.len() > MAX_NAME {
            return Err(Errno::NAMETOOLONG);
        }
        if raw.is_empty() || raw == b"." || raw == b".." || raw.contains(&b'/') {
            return Err(Errno::INVAL);
        }
        Ok(Self(bytes))
    }

    /// The name, for a system call that takes a directory beside it.
    #[must_use]
    pub fn as_c_str(self) -> &'a CStr {
        self.0
    }
}

/// Name of an extended attribute: one to 255 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct XattrName<'a>(&'a CStr);

impl<'a> XattrName<'a> {
    /// Checks bytes that end in zero.
    ///
    /// # Errors
    /// `ERANGE` when it is empty or too long, as xattr(7) has it.
    pub fn new(bytes: &'a CStr) -> Result<Self, Errno> {
        match bytes.to_bytes().len() {
            1..=MAX_XATTR_NAME => Ok(Self(bytes)),
            _ => Err(Errno::RANGE),
        }
    }

    /// The name, for a system call.
    #[must_use]
    pub fn as_c_str(self) -> &'a CStr {
        self.0
    }
}

/// Text of a symbolic link. It is never followed on the host, so it may say anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target<'a>(&'a CStr);

impl<'a> Target<'a> {
    /// Checks bytes that end in zero.
    ///
    /// # Errors
    /// `ENOENT` when it is empty, `ENAMETOOLONG` when it is too long.
    pub fn new(bytes: &'a CStr) -> Result<Self, Errno> {
        match bytes.to_bytes().len() {
            0 => Err(Errno::NOENT),
            1..=MAX_TARGET => Ok(Self(bytes)),
            _ => Err(Errno::NAMETOOLONG),
        }
    }

    /// The text, for symlinkat(2).
    #[must_use]
    pub fn as_c_str(self) -> &'a CStr {
        self.0
    }
}

#[cfg(test)]
#[path = "name_test.rs"]
mod tests;
