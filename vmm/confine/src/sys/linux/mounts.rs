//! Mount calls on descriptors.

#![expect(unsafe_code, reason = "mount_setattr is not in rustix")]

use std::{
    ffi::CStr,
    io,
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
};

use rustix::{
    fs::CWD,
    io::Result,
    mount::{
        FsMountFlags, FsOpenFlags, MountAttrFlags, MountPropagationFlags, MoveMountFlags,
        OpenTreeFlags, fsconfig_create, fsconfig_set_string, fsmount, fsopen, mount_change,
        move_mount, open_tree,
    },
};

/// Attributes for everything that holds data only.
pub(super) const INERT: u64 =
    libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV | libc::MOUNT_ATTR_NOEXEC;

/// Cuts the mounts of this namespace off from those of the host.
pub(super) fn make_private() -> Result<()> {
    mount_change(c"/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)
}

/// A new, empty, writable memory file system, not attached anywhere.
pub(super) fn empty() -> Result<OwnedFd> {
    let context = fsopen(c"tmpfs", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_set_string(context.as_fd(), c"mode", c"0555")?;
    fsconfig_set_string(context.as_fd(), c"nr_inodes", c"256")?;
    fsconfig_set_string(context.as_fd(), c"size", c"64k")?;
    fsconfig_create(context.as_fd())?;
    fsmount(
        context.as_fd(),
        FsMountFlags::FSMOUNT_CLOEXEC,
        MountAttrFlags::MOUNT_ATTR_NOSUID
            | MountAttrFlags::MOUNT_ATTR_NODEV
            | MountAttrFlags::MOUNT_ATTR_NOEXEC,
    )
}

/// A copy of what is mounted at `path` and below, not attached anywhere.
pub(super) fn copy(path: &CStr) -> Result<OwnedFd> {
    // A recursive copy: the kernel refuses any other where it would uncover what a mount hides.
    open_tree(
        CWD,
        path,
        OpenTreeFlags::OPEN_TREE_CLONE
            | OpenTreeFlags::OPEN_TREE_CLOEXEC
            | OpenTreeFlags::AT_RECURSIVE,
    )
}

/// A copy of the one folder of /proc that has this process's descriptors, not attached
/// anywhere. Its `..` is itself, while that of the folder in /proc leads to the host's root.
pub(super) fn own_descriptors() -> Result<OwnedFd> {
    open_tree(
        CWD,
        c"/proc/self/fd",
        OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC,
    )
}

/// Attaches `tree` at `path` below `folder`.
pub(super) fn attach(tree: &OwnedFd, folder: BorrowedFd<'_>, path: &CStr) -> Result<()> {
    move_mount(tree.as_fd(), c"", folder, path, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)
}

/// Sets `attributes` (`MOUNT_ATTR_*`) on `tree` and all mounts below it.
pub(super) fn restrict(tree: &OwnedFd, attributes: u64) -> io::Result<()> {
    let attributes =
        libc::mount_attr { attr_set: attributes, attr_clr: 0, propagation: 0, userns_fd: 0 };
    // SAFETY: the path is an empty C string and the structure lives across the call, which
    // is told its true size.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            tree.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_EMPTY_PATH | libc::AT_RECURSIVE,
            &raw const attributes,
            size_of::<libc::mount_attr>(),
        )
    };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
