//! The user database of macOS: Open Directory, asked by getpwuid_r(3) and getgrgid_r(3).
#![expect(unsafe_code, reason = "C functions that fill structures")]

use std::{
    ffi::{CStr, OsString, c_char},
    mem::MaybeUninit,
    os::unix::ffi::OsStringExt,
    path::PathBuf,
    ptr,
};

/// Room for an entry's texts, in bytes.
const ROOM: usize = 64 << 10;

/// Name and home directory of a user.
pub fn user(uid: u32) -> Option<(String, Option<PathBuf>)> {
    let mut entry = MaybeUninit::<libc::passwd>::uninit();
    let mut room = vec![0 as c_char; ROOM];
    let mut found = ptr::null_mut();
    // SAFETY: the entry and its texts are written to what is ours, of the length that is told.
    let rc = unsafe {
        libc::getpwuid_r(uid, entry.as_mut_ptr(), room.as_mut_ptr(), room.len(), &raw mut found)
    };
    if rc != 0 || found.is_null() {
        return None;
    }
    // SAFETY: `found` is `entry`, which is filled in.
    let entry = unsafe { entry.assume_init_ref() };
    // SAFETY: both texts are in `room`, which lives, or null.
    let (name, home) = unsafe { (text(entry.pw_name)?, text(entry.pw_dir)) };
    let home = home.filter(|home| !home.is_empty()).map(OsString::from_vec);
    Some((String::from_utf8_lossy(&name).into_owned(), home.map(PathBuf::from)))
}

/// Name of a group.
pub fn group(gid: u32) -> Option<String> {
    let mut entry = MaybeUninit::<libc::group>::uninit();
    let mut room = vec![0 as c_char; ROOM];
    let mut found = ptr::null_mut();
    // SAFETY: the entry and its texts are written to what is ours, of the length that is told.
    let rc = unsafe {
        libc::getgrgid_r(gid, entry.as_mut_ptr(), room.as_mut_ptr(), room.len(), &raw mut found)
    };
    if rc != 0 || found.is_null() {
        return None;
    }
    // SAFETY: `found` is `entry`, which is filled in; the text is in `room`, which lives, or null.
    let name = unsafe { text(entry.assume_init_ref().gr_name)? };
    Some(String::from_utf8_lossy(&name).into_owned())
}

/// # Safety
/// `at` is null or leads to bytes that end with a NUL.
unsafe fn text(at: *const c_char) -> Option<Vec<u8>> {
    if at.is_null() {
        return None;
    }
    // SAFETY: as the caller says.
    Some(unsafe { CStr::from_ptr(at) }.to_bytes().to_vec())
}
