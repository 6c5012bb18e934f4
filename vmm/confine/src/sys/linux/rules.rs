//! Landlock: every path, port, abstract socket and signal is refused but what is granted.

#![expect(
    unsafe_code,
    reason = "the landlock crate does not tell the kernel's version; descriptors by number"
)]

use std::{
    io,
    os::{
        fd::{BorrowedFd, OwnedFd, RawFd},
        unix::ffi::OsStrExt,
    },
    path::Path,
};

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd,
    Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
};

use super::{root::Grants, tree_rules};
use crate::{Error, Result, State};

/// The newest version known here. Older kernels enforce what they know of it.
const NEWEST: ABI = ABI::V9;

/// Restricts the process to `grants`. A kernel without landlock is reported.
pub(super) fn restrict(grants: &Grants) -> Result<State> {
    let status = build(grants)
        .map_err(Error::Landlock)?
        .restrict_self()
        .map_err(|error| Error::Landlock(Box::new(error)))?;
    let supported = support();
    Ok(match (status.ruleset, supported) {
        (RulesetStatus::NotEnforced, State::Active { detail } | State::Partial { detail, .. }) => {
            State::missing(format!("{detail}, but it was not enforced"))
        }
        (_, supported) => supported,
    })
}

fn version() -> io::Result<i64> {
    // SAFETY: with this flag the call takes no pointer and answers with a number.
    let version = unsafe {
        libc::syscall(libc::SYS_landlock_create_ruleset, std::ptr::null::<u8>(), 0_usize, 1_u32)
    };
    if version < 1 { Err(io::Error::last_os_error()) } else { Ok(version) }
}

/// What this kernel's landlock can do.
pub(super) fn support() -> State {
    let version = match version() {
        Ok(version) => version,
        Err(error) => return State::missing(why(&error)),
    };
    let said = format!("version {version}");
    let missing: Vec<_> = [
        (3, "truncation (Linux 6.2)"),
        (4, "TCP (6.7)"),
        (5, "device controls (6.10)"),
        (6, "abstract sockets and signals (6.12)"),
    ]
    .into_iter()
    .filter(|(since, _)| version < *since)
    .map(|(_, what)| what)
    .collect();
    if missing.is_empty() { State::active(said) } else { State::partial(said, missing.join(", ")) }
}

fn why(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(libc::ENOSYS) => {
            "the kernel has no landlock (Linux 5.13 with CONFIG_SECURITY_LANDLOCK)".to_owned()
        }
        Some(libc::EOPNOTSUPP) => {
            "landlock is not switched on: add it to the kernel's lsm= list".to_owned()
        }
        _ => format!("refused: {error}"),
    }
}

/// A set of rules that grants nothing yet.
pub(super) fn nothing() -> std::result::Result<RulesetCreated, RulesetError> {
    Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))?
        .handle_access(AccessNet::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?
        .create()
}

fn build(
    grants: &Grants,
) -> std::result::Result<RulesetCreated, Box<dyn std::error::Error + Send + Sync>> {
    let created = nothing()?;
    if let Grants::Tree(grants) = grants {
        return tree_rules::launcher(created, grants);
    }
    Ok(match grants {
        Grants::Nothing | Grants::Tree(_) => created,
        Grants::Folder { read_only, folder } => {
            created.add_rule(PathBeneath::new(folder, in_folder(*read_only)))?
        }
        Grants::Program { paths, reopened } => {
            let created = paths.iter().try_fold(created, |created: RulesetCreated, path| {
                match PathFd::new(path) {
                    Ok(fd) => created.add_rule(PathBeneath::new(fd, at_path(path))),
                    // It is not there, so there is nothing to grant.
                    Err(_) => Ok(created),
                }
            })?;
            reopened
                .iter()
                .filter_map(|number| named_file(*number))
                .try_fold(created, |created, file| {
                    created.add_rule(PathBeneath::new(file, AccessFs::ReadFile))
                })?
        }
    })
}

/// A copy of descriptor `number` if that is a file with a place in the file system. Memory
/// files have none, and landlock lets them be opened again without a rule.
fn named_file(number: RawFd) -> Option<OwnedFd> {
    let link = std::fs::read_link(format!("/proc/self/fd/{number}")).ok()?;
    if !link.is_absolute() || link.as_os_str().as_bytes().starts_with(b"/memfd:") {
        return None;
    }
    // SAFETY: the number is open, or there would be no link; it is copied at once.
    let fd = unsafe { BorrowedFd::borrow_raw(number) };
    fd.try_clone_to_owned().ok()
}

/// What the server of a folder may do in it: files, folders and symbolic links, and names of
/// FIFOs and sockets for the guest's own use; no devices, and nothing is ever executed.
fn in_folder(read_only: bool) -> BitFlags<AccessFs> {
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    if read_only {
        return read;
    }
    read | AccessFs::WriteFile
        | AccessFs::Truncate
        | AccessFs::RemoveDir
        | AccessFs::RemoveFile
        | AccessFs::MakeDir
        | AccessFs::MakeReg
        | AccessFs::MakeSym
        | AccessFs::MakeFifo
        | AccessFs::MakeSock
        | AccessFs::Refer
}

/// What a program may do with its files, and with the few devices that may be granted.
fn at_path(path: &Path) -> BitFlags<AccessFs> {
    if path.starts_with("/dev") {
        return AccessFs::ReadFile | AccessFs::WriteFile;
    }
    if path.is_dir() {
        return AccessFs::ReadFile | AccessFs::ReadDir | AccessFs::Execute;
    }
    AccessFs::ReadFile | AccessFs::Execute
}
