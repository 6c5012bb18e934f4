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
    new(c"tmpfs", &[(c"mode", c"0555"), (c"nr_inodes", c"256"), (c"size", c"64k")])
}

/// A new file system in memory for the calling user alone, which holds `size` bytes.
pub(super) fn scratch(size: &CStr) -> Result<OwnedFd> {
    new(c"tmpfs", &[(c"mode", c"0700"), (c"nr_inodes", c"65536"), (c"size", size)])
}

/// The processes of this process id namespace, and, if `all`, what else the kernel tells.
pub(super) fn processes(all: bool) -> Result<OwnedFd> {
    new(c"proc", if all { &[] } else { &[(c"subset", c"pid")] })
}

fn new(kind: &CStr, options: &[(&CStr, &CStr)]) -> Result<OwnedFd> {
    let context = fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC)?;
    for (name, value) in options {
        fsconfig_set_string(context.as_fd(), *name, *value)?;
    }
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

/// A copy of what `fd` is and what is mounted below, not attached anywhere. The kernel makes one
/// only of mounts of the caller's own namespace.
pub(super) fn copy_of(fd: BorrowedFd<'_>) -> Result<OwnedFd> {
    open_tree(
        fd,
        c"",
        OpenTreeFlags::OPEN_TREE_CLONE
            | OpenTreeFlags::OPEN_TREE_CLOEXEC
            | OpenTreeFlags::AT_RECURSIVE
            | OpenTreeFlags::AT_EMPTY_PATH,
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

/// Attaches `tree` on `place`.
pub(super) fn attach_on(tree: &OwnedFd, place: &OwnedFd) -> Result<()> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    move_mount(tree.as_fd(), c"", place.as_fd(), c"", flags)
}

/// Sets `attributes` (`MOUNT_ATTR_*`) on `tree` and all mounts below it.
pub(super) fn restrict(tree: &OwnedFd, attributes: u64) -> io::Result<()> {
    set(tree, attributes, 0, libc::AT_RECURSIVE)
}

/// The same, and cuts them off from the mounts that they are copies of: what is mounted in one
/// would else appear in the other.
pub(super) fn restrict_and_part(tree: &OwnedFd, attributes: u64) -> io::Result<()> {
    set(tree, attributes, libc::MS_PRIVATE, libc::AT_RECURSIVE)
}

/// Sets `attributes` (`MOUNT_ATTR_*`) on the mount at `tree` only.
pub(super) fn restrict_one(tree: &OwnedFd, attributes: u64) -> io::Result<()> {
    set(tree, attributes, 0, 0)
}

fn set(tree: &OwnedFd, attr_set: u64, propagation: u64, below: i32) -> io::Result<()> {
    let attributes = libc::mount_attr { attr_set, attr_clr: 0, propagation, userns_fd: 0 };
    // SAFETY: the path is an empty C string and the structure lives across the call, which
    // is told its true size.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            tree.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_EMPTY_PATH | below,
            &raw const attributes,
            size_of::<libc::mount_attr>(),
        )
    };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
