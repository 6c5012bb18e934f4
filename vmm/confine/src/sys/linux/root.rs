//! What the process sees as `/`.

use std::{
    ffi::CString,
    fs,
    os::{
        fd::{AsFd, OwnedFd, RawFd},
        unix::ffi::OsStrExt,
    },
    path::{Path, PathBuf},
};

use rustix::{
    fs::{CWD, FileType, Mode, OFlags, mkdirat, openat, symlinkat},
    io::Errno,
    mount::{UnmountFlags, unmount},
    process::{chdir, chroot, fchdir, pivot_root},
};

use super::{mounts, tree::Parts, tree_rules::Grant};
use crate::{Error, LayerName, Result, Root, State};

/// The new root.
pub(super) struct View {
    pub(super) state: State,
    /// The shared folder, opened inside.
    pub(super) root: Option<OwnedFd>,
    /// The process's own descriptors, for opening them again.
    pub(super) descriptors: Option<OwnedFd>,
    /// What landlock is to allow.
    pub(super) grants: Grants,
}

/// What landlock is to allow.
pub(super) enum Grants {
    /// Nothing.
    Nothing,
    /// Work with the files below a folder.
    Folder { read_only: bool, folder: OwnedFd },
    /// Each path of a tree for itself.
    Tree(Vec<Grant>),
    /// Reading and executing below paths, and reading some files by descriptor.
    Program { paths: Vec<PathBuf>, reopened: Vec<RawFd> },
}

/// What is to become the root, taken from the caller outside.
pub(super) enum Plan {
    /// [`Root::Empty`].
    Empty,
    /// [`Root::Folder`].
    Folder { folder: OwnedFd, read_only: bool },
    /// [`Root::Program`].
    Program { paths: Vec<PathBuf>, reopened: Vec<RawFd> },
    /// [`Root::Tree`].
    Tree(Parts),
}

/// Takes what can be taken outside only. A shared folder becomes the working folder: the kernel
/// takes that along into new mounts, which it does not do with descriptors.
pub(super) fn plan(root: Root) -> Result<Plan> {
    let step = || Error::step("entering the shared folder");
    if let Root::Folder { folder, .. } = &root {
        fchdir(folder).map_err(step())?;
    } else {
        chdir(c"/").map_err(step())?;
    }
    Ok(match root {
        Root::Empty => Plan::Empty,
        Root::Folder { folder, read_only } => Plan::Folder { folder, read_only },
        Root::Program { paths, reopened } => Plan::Program { paths, reopened },
        Root::Tree { entries } => Plan::Tree(Parts::take(entries)?),
    })
}

/// Takes what is left to be taken, in the new mount namespace but still as the caller.
pub(super) fn reach(plan: &mut Plan) -> Result<()> {
    match plan {
        Plan::Tree(parts) => parts.copy_rest(),
        Plan::Empty | Plan::Folder { .. } | Plan::Program { .. } => Ok(()),
    }
}

/// Makes a root of `parts`, as the first process of the process id namespace that it may show.
fn enter_tree(parts: Parts) -> Result<View> {
    let tree = empty()?;
    attach_and_stand(&tree)?;
    let built = parts.build(&tree)?;
    // Not what is mounted in it, of which some is writable.
    mounts::restrict_one(&tree, libc::MOUNT_ATTR_RDONLY)
        .map_err(Error::io("making the root read-only"))?;
    leave_old_root()?;
    let said = format!("{} parts, nosuid, the root itself read-only", built.grants.len());
    Ok(View {
        state: match built.no_processes {
            None => State::active(said),
            Some(missing) => State::partial(said, missing),
        },
        root: None,
        descriptors: None,
        grants: Grants::Tree(built.grants),
    })
}

/// Makes the new root. Without mounts of its own (`mounts`) the process keeps the old one,
/// and landlock has to do alone.
pub(super) fn enter(plan: Plan, mounts: bool) -> Result<View> {
    if !mounts {
        return unmoved(plan);
    }
    mounts::make_private().map_err(Error::step("detaching mounts from the host's"))?;
    match plan {
        Plan::Empty => {
            let tree = empty()?;
            mounts::restrict(&tree, libc::MOUNT_ATTR_RDONLY)
                .map_err(Error::io("making the root read-only"))?;
            attach_and_move(&tree)?;
            Ok(View {
                state: State::active("an empty folder"),
                root: None,
                descriptors: None,
                grants: Grants::Nothing,
            })
        }
        Plan::Folder { folder, read_only } => {
            // The old descriptor leads out of the new root.
            drop(folder);
            let tree = mounts::copy(c".").map_err(Error::step("mounting the shared folder"))?;
            let read = if read_only { libc::MOUNT_ATTR_RDONLY } else { 0 };
            mounts::restrict(&tree, mounts::INERT | read)
                .map_err(Error::io("restricting the shared folder's mount"))?;
            let descriptors = own_descriptors()?;
            attach_and_move(&tree)?;
            drop(tree);
            let how = if read_only { ", read-only" } else { "" };
            Ok(View {
                state: State::active(format!("the shared folder, nosuid, nodev, noexec{how}")),
                root: Some(open_root()?),
                descriptors: Some(descriptors),
                grants: Grants::Folder { read_only, folder: open_root()? },
            })
        }
        Plan::Program { paths, reopened } => {
            let tree = empty()?;
            let mut copies = copy_all(&paths)?;
            let granted = copies.iter().map(|(path, _)| path.clone()).collect();
            let descriptors = own_descriptors()?;
            copies.push((PathBuf::from("/proc/self/fd"), Copy::Folder(descriptors)));
            attach_and_stand(&tree)?;
            for (path, copy) in &copies {
                place(&tree, path, copy)?;
            }
            mounts::restrict(&tree, libc::MOUNT_ATTR_RDONLY | libc::MOUNT_ATTR_NOSUID)
                .map_err(Error::io("making the root read-only"))?;
            leave_old_root()?;
            Ok(View {
                state: State::active(format!("{} paths, read-only", copies.len())),
                root: None,
                descriptors: None,
                grants: Grants::Program { paths: granted, reopened },
            })
        }
        Plan::Tree(parts) => enter_tree(parts),
    }
}

/// The root where there are no mounts of its own.
fn unmoved(plan: Plan) -> Result<View> {
    let state = State::missing("it needs a mount namespace");
    Ok(match plan {
        Plan::Empty => View { state, root: None, descriptors: None, grants: Grants::Nothing },
        Plan::Folder { folder, read_only } => View {
            state,
            grants: Grants::Folder {
                read_only,
                folder: folder
                    .try_clone()
                    .map_err(Error::io("copying the shared folder's descriptor"))?,
            },
            root: Some(folder),
            descriptors: Some(open_descriptors()?),
        },
        Plan::Program { paths, reopened } => View {
            state,
            root: None,
            descriptors: None,
            grants: Grants::Program { paths, reopened },
        },
        // Landlock alone cannot give a program another root.
        Plan::Tree(_) => {
            return Err(Error::Strict {
                layer: LayerName::Root,
                why: "it needs a mount namespace".to_owned(),
            });
        }
    })
}

/// What stands at a path.
enum Copy {
    Link(CString),
    Folder(OwnedFd),
    File(OwnedFd),
}

/// Copies what is mounted at each of `paths` that exists.
fn copy_all(paths: &[PathBuf]) -> Result<Vec<(PathBuf, Copy)>> {
    let step = || Error::step("mounting a program's files");
    let mut copies = Vec::new();
    for path in paths {
        let Ok(metadata) = fs::symlink_metadata(path) else {
            continue;
        };
        let kind = FileType::from_raw_mode(std::os::unix::fs::MetadataExt::mode(&metadata));
        if kind == FileType::Symlink {
            let target = fs::read_link(path).map_err(Error::io("reading a link"))?;
            copies.push((path.clone(), Copy::Link(c_path(&target)?)));
            continue;
        }
        let tree = mounts::copy(&c_path(path)?).map_err(step())?;
        copies.push((
            path.clone(),
            if kind == FileType::Directory {
                mounts::restrict(&tree, libc::MOUNT_ATTR_NODEV)
                    .map_err(Error::io("restricting a program's files"))?;
                Copy::Folder(tree)
            } else {
                Copy::File(tree)
            },
        ));
    }
    Ok(copies)
}

/// Puts `copy` at `path` below `root`.
fn place(root: &OwnedFd, path: &Path, copy: &Copy) -> Result<()> {
    let step = || Error::step("building a program's root");
    let relative = path.strip_prefix("/").unwrap_or(path);
    let mut parent = PathBuf::new();
    let above = relative.parent().map(Path::components);
    for component in above.into_iter().flatten() {
        parent.push(component);
        make_folder(root, &parent)?;
    }
    let name = c_path(relative)?;
    match copy {
        Copy::Link(target) => symlinkat(target, root, &name).map_err(step()),
        Copy::Folder(tree) => {
            make_folder(root, relative)?;
            mounts::attach(tree, root.as_fd(), &name).map_err(step())
        }
        Copy::File(tree) => {
            openat(
                root,
                &name,
                OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC,
                Mode::from_raw_mode(0o444),
            )
            .map_err(step())?;
            mounts::attach(tree, root.as_fd(), &name).map_err(step())
        }
    }
}

fn make_folder(root: &OwnedFd, path: &Path) -> Result<()> {
    match mkdirat(root, path, Mode::from_raw_mode(0o755)) {
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(errno) => Err(Error::step("building a program's root")(errno)),
    }
}

fn c_path(path: &Path) -> Result<CString> {
    CString::new(path.as_os_str().as_bytes())
        .map_err(|_| Error::io("reading a path")(std::io::ErrorKind::InvalidInput.into()))
}

fn empty() -> Result<OwnedFd> {
    mounts::empty().map_err(Error::step("making an empty root"))
}

fn own_descriptors() -> Result<OwnedFd> {
    let tree =
        mounts::own_descriptors().map_err(Error::step("mounting the process's own descriptors"))?;
    mounts::restrict(&tree, mounts::INERT)
        .map_err(Error::io("restricting the process's own descriptors"))?;
    Ok(tree)
}

fn attach_and_move(tree: &OwnedFd) -> Result<()> {
    attach_and_stand(tree)?;
    leave_old_root()
}

fn attach_and_stand(tree: &OwnedFd) -> Result<()> {
    mounts::attach(tree, CWD, c"/").map_err(Error::step("attaching the new root"))?;
    fchdir(tree).map_err(Error::step("entering the new root"))
}

/// Makes the working folder the root and unmounts what was there before.
fn leave_old_root() -> Result<()> {
    match pivot_root(c".", c".") {
        Ok(()) => {
            // The old root now lies on top of the new one.
            unmount(c".", UnmountFlags::DETACH).map_err(Error::step("unmounting the old root"))?;
        }
        // The kernel's first root (an initramfs) has no parent to be pivoted to. It stays
        // below, out of reach: the way back needs a descriptor of it or the right to chroot.
        Err(Errno::INVAL) => chroot(c".").map_err(Error::step("changing the root"))?,
        Err(errno) => return Err(Error::step("pivoting to the new root")(errno)),
    }
    chdir(c"/").map_err(Error::step("entering the new root"))
}

/// The folder of this process's descriptors as it is in /proc.
fn open_descriptors() -> Result<OwnedFd> {
    openat(CWD, c"/proc/self/fd", OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
        .map_err(Error::step("opening /proc/self/fd"))
}

/// The new root, from inside.
fn open_root() -> Result<OwnedFd> {
    openat(
        CWD,
        c"/",
        OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW,
        Mode::empty(),
    )
    .map_err(Error::step("opening the new root"))
}
