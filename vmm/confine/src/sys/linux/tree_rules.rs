//! Landlock in a [`Root::Tree`](crate::Root::Tree): first for the launcher and all that comes
//! after it, then once more and tighter for the program that it starts.
//!
//! Every rule is made in the process that it is for, on the mounts that it has then, and a path
//! that cannot be opened is an error. That matters most for `/proc/self`: a rule is tied to
//! the folder that this was when the rule was made, which is that of another process if
//! another process made it.

use std::{
    error::Error as StdError,
    io,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use landlock::{
    AccessFs, BitFlags, PathBeneath, PathFd, RulesetCreated, RulesetCreatedAttr, RulesetStatus,
};
use rustix::{
    fs::{CWD, Mode, OFlags, openat},
    process::Pid,
};

use super::rules;
use crate::{Error, Result};

/// A path and what may be done there.
#[derive(Debug)]
pub(super) struct Grant {
    /// Where.
    pub(super) at: PathBuf,
    /// What.
    pub(super) access: Access,
}

/// What may be done at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// Reading a file.
    File,
    /// Reading files and folders.
    Folder,
    /// Reading and executing a file.
    Execute,
    /// Anything with a device.
    Device,
    /// Work with files and sockets.
    Write,
    /// Looking at processes, and naming threads.
    Processes { names: bool },
}

/// What the machine's drivers say of themselves and it, below a whole /proc. Each is granted
/// where it exists.
const DRIVERS: [&str; 10] = [
    "driver",
    "devices",
    "modules",
    "cpuinfo",
    "meminfo",
    "stat",
    "version",
    "filesystems",
    "sys/vm",
    "sys/kernel/osrelease",
];

/// The grants of this process's root, for the program that it is to start.
static GRANTS: OnceLock<Vec<Grant>> = OnceLock::new();

type Built = std::result::Result<RulesetCreated, Box<dyn StdError + Send + Sync>>;

/// Remembers `grants` for [`restrict_program`].
pub(super) fn remember(grants: Vec<Grant>) {
    let _ = GRANTS.set(grants);
}

/// The rules of the launcher: all that it or its program may do.
pub(super) fn launcher(mut rules: RulesetCreated, grants: &[Grant]) -> Built {
    for grant in grants {
        let access = match grant.access {
            Access::Write => write() | AccessFs::ResolveUnix,
            Access::Processes { names: true } => read() | name(),
            other => plain(other),
        };
        rules = add(rules, &grant.at, access)?;
    }
    Ok(rules)
}

/// The rules of the program: of the processes only itself, and no socket to connect to.
fn program(mut rules: RulesetCreated, grants: &[Grant]) -> Built {
    for grant in grants {
        let Access::Processes { names } = grant.access else {
            rules = add(rules, &grant.at, plain(grant.access))?;
            continue;
        };
        rules = add(rules, &grant.at.join("self"), read())?;
        if !names {
            continue;
        }
        rules = add(rules, &grant.at.join("self/task"), read() | name())?;
        for name in DRIVERS {
            let path = grant.at.join(name);
            let Ok(metadata) = path.metadata() else { continue };
            let access = if metadata.is_dir() { read() } else { AccessFs::ReadFile.into() };
            rules = add(rules, &path, access)?;
        }
    }
    Ok(rules)
}

fn add(rules: RulesetCreated, at: &Path, access: BitFlags<AccessFs>) -> Built {
    Ok(rules.add_rule(PathBeneath::new(PathFd::new(at)?, access))?)
}

/// Restricts the calling process, which the launcher forked, further.
///
/// It is then in a landlock domain below the launcher's, so that it may neither trace nor
/// signal it.
pub(super) fn restrict_program() -> Result<()> {
    let grants = GRANTS.get().ok_or_else(|| Error::Landlock("the root is no tree".into()))?;
    let rules = rules::nothing().map_err(|error| Error::Landlock(Box::new(error)))?;
    let status = program(rules, grants)
        .map_err(Error::Landlock)?
        .restrict_self()
        .map_err(|error| Error::Landlock(Box::new(error)))?;
    match status.ruleset {
        RulesetStatus::NotEnforced => Err(Error::Landlock("it was not enforced".into())),
        _ => Ok(()),
    }
}

/// The threads of `child` in the root's /proc, if it has one: held open, the folder stays the
/// one that rules were made for.
pub(super) fn hold_processes(child: Pid) -> io::Result<Option<OwnedFd>> {
    let is_processes = |grant: &&Grant| matches!(grant.access, Access::Processes { .. });
    let Some(grant) = GRANTS.get().and_then(|grants| grants.iter().find(is_processes)) else {
        return Ok(None);
    };
    let path = grant.at.join(format!("{}/task", child.as_raw_nonzero()));
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(Some(openat(CWD, &path, flags, Mode::empty())?))
}

fn plain(access: Access) -> BitFlags<AccessFs> {
    match access {
        Access::File => AccessFs::ReadFile.into(),
        Access::Folder | Access::Processes { .. } => read(),
        Access::Execute => AccessFs::ReadFile | AccessFs::Execute,
        Access::Device => AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::IoctlDev,
        Access::Write => write(),
    }
}

fn read() -> BitFlags<AccessFs> {
    AccessFs::ReadFile | AccessFs::ReadDir
}

/// Writing over a thread's name.
fn name() -> BitFlags<AccessFs> {
    AccessFs::WriteFile | AccessFs::Truncate
}

fn write() -> BitFlags<AccessFs> {
    read()
        | AccessFs::WriteFile
        | AccessFs::Truncate
        | AccessFs::RemoveDir
        | AccessFs::RemoveFile
        | AccessFs::MakeDir
        | AccessFs::MakeReg
        | AccessFs::MakeSock
        | AccessFs::Refer
}
