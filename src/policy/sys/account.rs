//! The caller's entry in the user database.
#![expect(
    unsafe_code,
    reason = "getpwuid_r and getgrgid_r are the only door to the user database, which need not be /etc/passwd"
)]

use std::{ffi::CStr, mem::MaybeUninit, os::unix::ffi::OsStringExt, path::PathBuf, ptr};

/// Longest entry that is read, in bytes.
const LONGEST: usize = 1 << 20;

/// Who called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Login name; the number where there is no entry.
    pub name: String,
    /// Name of the primary group; the number where there is no entry.
    pub group: String,
    /// Effective user id.
    pub uid: u32,
    /// Effective group id.
    pub gid: u32,
    /// Home directory by the user database; `None` without an entry.
    pub home: Option<PathBuf>,
}

/// The account that this process acts as.
pub fn account() -> Account {
    let uid = rustix::process::geteuid().as_raw();
    let gid = rustix::process::getegid().as_raw();
    let (name, home) = user(uid).unwrap_or_else(|| (uid.to_string(), None));
    Account { name, group: group(gid).unwrap_or_else(|| gid.to_string()), uid, gid, home }
}

/// Name and home directory of a user.
fn user(uid: u32) -> Option<(String, Option<PathBuf>)> {
    with_buffer(|buffer| {
        let mut entry = MaybeUninit::<libc::passwd>::uninit();
        let mut found = ptr::null_mut();
        // SAFETY: all four point to live memory of the sizes told; `found` is set to `entry` or null.
        let rc = unsafe {
            libc::getpwuid_r(
                uid,
                entry.as_mut_ptr(),
                buffer.as_mut_ptr().cast(),
                buffer.len(),
                &raw mut found,
            )
        };
        if rc != 0 || found.is_null() {
            return Err(rc);
        }
        // SAFETY: the call succeeded and found an entry, so `entry` is filled in.
        let entry = unsafe { entry.assume_init() };
        let home = text(entry.pw_dir)
            .filter(|h| !h.is_empty())
            .map(|h| PathBuf::from(std::ffi::OsString::from_vec(h)));
        Ok((
            text(entry.pw_name)
                .map(|n| String::from_utf8_lossy(&n).into_owned())
                .unwrap_or_default(),
            home,
        ))
    })
}

/// Name of a group.
fn group(gid: u32) -> Option<String> {
    with_buffer(|buffer| {
        let mut entry = MaybeUninit::<libc::group>::uninit();
        let mut found = ptr::null_mut();
        // SAFETY: all four point to live memory of the sizes told; `found` is set to `entry` or null.
        let rc = unsafe {
            libc::getgrgid_r(
                gid,
                entry.as_mut_ptr(),
                buffer.as_mut_ptr().cast(),
                buffer.len(),
                &raw mut found,
            )
        };
        if rc != 0 || found.is_null() {
            return Err(rc);
        }
        // SAFETY: the call succeeded and found an entry, so `entry` is filled in.
        let entry = unsafe { entry.assume_init() };
        Ok(text(entry.gr_name)
            .map(|n| String::from_utf8_lossy(&n).into_owned())
            .unwrap_or_default())
    })
}

/// Calls with a buffer that grows while the call says `ERANGE`; `None` for any other failure.
fn with_buffer<T>(mut call: impl FnMut(&mut [u8]) -> Result<T, i32>) -> Option<T> {
    let mut buffer = vec![0u8; 4096];
    loop {
        match call(&mut buffer) {
            Ok(value) => return Some(value),
            Err(libc::ERANGE) if buffer.len() < LONGEST => buffer.resize(buffer.len() * 2, 0),
            Err(_) => return None,
        }
    }
}

/// The bytes of a C string; `None` for a null pointer.
fn text(from: *const libc::c_char) -> Option<Vec<u8>> {
    if from.is_null() {
        return None;
    }
    // SAFETY: not null, and the library ends its strings with a zero inside the live buffer.
    Some(unsafe { CStr::from_ptr(from) }.to_bytes().to_vec())
}

#[cfg(test)]
#[path = "account_test.rs"]
mod tests;
