//! Linux: the steps of confinement, one module each, and the order in which they go.

mod caps;
mod death;
mod fds;
mod fork;
mod idmap;
mod limits;
mod mounts;
mod namespaces;
mod probe;
mod program;
mod root;
mod rules;
mod seccomp;
mod strict;
mod tree;
mod tree_rules;

use std::os::fd::OwnedFd;

use rustix::{fs::Mode, process::DumpableBehavior};

use crate::{Denied, Error, Identity, LayerName, Profile, Report, Result, Role, Root, State};

pub use probe::probe;
pub use program::{Child, start_program};

/// A process after [`enter`].
#[derive(Debug)]
pub struct Confined {
    /// Which layers are in force.
    pub report: Report,
    /// The folder of [`Root::Folder`], as the new root: use this descriptor, opened with
    /// `O_PATH`, and no other. `None` for other roots.
    pub root: Option<OwnedFd>,
    /// With [`Root::Folder`]: `/proc/self/fd` of this process, opened with `O_PATH`, through
    /// which a descriptor can be opened again with other rights. Nothing else of `/proc` can
    /// be reached from it.
    pub descriptors: Option<OwnedFd>,
}

/// Confines the calling process to `profile`, except for its system call filter: see
/// [`seal`]. Call it in a process that was just executed and has one thread.
///
/// With [`Role::Qemu`] and [`Role::Model`] this returns in a new process, the first of a process id namespace of its
/// own. The calling process stays behind without rights or descriptors, waits, and ends as the
/// new one did; when it is killed, so is that.
///
/// # Root callers
///
/// A process started by root keeps none of root's powers over the system. With
/// [`Identity::Nobody`] it becomes user 65534 without capabilities. With
/// [`Identity::Caller`] (the server of a folder, whose guest is root inside as its caller is
/// outside) it stays user 0 and keeps `CAP_DAC_OVERRIDE`, `CAP_FOWNER` and `CAP_CHOWN`: what
/// files of other users in that folder need. It holds them in a user namespace that maps
/// every id to itself, which is tighter than the initial one: there the kernel checks
/// them for files of mapped owners only, and they are worth nothing for handles, mounts, modules or devices.
/// `CAP_DAC_READ_SEARCH` is not kept: `CAP_DAC_OVERRIDE` covers it, and what it adds is
/// opening files by handle, which leads out of any root.
///
/// # Ordinary callers
///
/// The user namespace maps the caller's user and group to themselves and nothing else, and
/// serves only to make the other namespaces; all capabilities in it are given up. Files of
/// other users appear with the owner 65534. Supplementary groups stay in effect.
///
/// # Errors
/// [`Error`]. The process must then end, for it may be confined in part.
pub fn enter(profile: Profile) -> Result<Confined> {
    let Profile { role, parent, life, mut keep, root, identity, limits, strict } = profile;
    let mut report = Report::new(role);

    death::bind(parent, life.as_ref())?;
    require_one_thread()?;
    read_auxiliary_vector();

    keep.extend(fds::number(life.as_ref()));
    match &root {
        Root::Folder { folder, .. } => keep.extend(fds::number(Some(folder))),
        Root::Tree { entries } => keep.extend(tree::descriptors(entries)),
        Root::Empty | Root::Program { .. } => {}
    }
    fds::close_others(&mut keep)?;
    fds::clear_environment();
    rustix::process::umask(Mode::empty());
    report.add(
        LayerName::Descriptors,
        State::active(format!("{} descriptors, empty environment, umask 0", keep.len() + 3)),
    );

    let limits_state = limits::set(&limits)?;
    let privileged = caps::privileged();
    // What was opened outside stays outside: the way into the new mounts is the working folder.
    let mut plan = root::plan(root)?;
    let user = namespaces::enter_user(identity, privileged)?;
    let spaces = namespaces::enter_others(role, user.state.is_missing() && !privileged);
    if spaces.mounts {
        root::reach(&mut plan)?;
    }
    let limits_state = limits::set_threads(&limits, user.state.is_active(), limits_state)?;
    let keep_caps =
        if privileged && identity == Identity::Caller { caps::FILES } else { caps::NONE };
    let bounding = caps::lock_down(keep_caps)?;
    let identity_state = namespaces::become_nobody(identity, privileged, user.nobody)?;
    if spaces.pids {
        // Returns in the first process of the new namespace. The one that stays behind is the
        // same user, which it must be for its end to kill the other.
        fork::stay_behind(life.as_ref())?;
        death::bind_first(life.as_ref())?;
    }
    // As that user: one that the namespace does not know can make no files.
    let view = root::enter(plan, spaces.mounts)?;
    let namespaces_missing = spaces.state.to_string();
    report.add(LayerName::UserNamespace, user.state);
    report.add(LayerName::Namespaces, spaces.state);
    report.add(LayerName::Root, view.state);

    report.add(LayerName::Identity, identity_state);
    report.add(LayerName::Capabilities, caps::drop_to(keep_caps, bounding)?);

    let landlock = rules::restrict(&view.grants)?;
    if let root::Grants::Tree(grants) = view.grants {
        tree_rules::remember(grants);
    }
    if !spaces.mounts && landlock.is_missing() {
        return Err(Error::FilesOpen {
            namespaces: namespaces_missing,
            landlock: landlock.to_string(),
        });
    }
    report.add(LayerName::Landlock, landlock);
    report.add(LayerName::Limits, limits_state);

    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .map_err(Error::step("turning memory dumps off"))?;
    // A change of user clears the parent-death signal.
    if spaces.pids {
        death::bind_first(life.as_ref())?;
    } else {
        death::bind(parent, life.as_ref())?;
    }
    // The kernel watches the open file, which must stay open.
    std::mem::forget(life);
    report.add(
        LayerName::ParentDeath,
        State::active("killed when the session ends, by signal and by pipe"),
    );
    if strict {
        strict::check(&report, identity == Identity::Nobody || !privileged)?;
    }
    Ok(Confined { report, root: view.root, descriptors: view.descriptors })
}

/// Installs the system call filter of `role` on all threads, for ever. Everything that needs
/// more than the role's steady state is to be done before. Call [`enter`] first.
///
/// For [`Role::Qemu`] the filter refuses a list of calls instead of all but a list, with
/// `EPERM`: QEMU installs its own on top.
///
/// # Errors
/// [`Error::Seccomp`]; the process must then end.
pub fn seal(role: Role, denied: Denied) -> Result<State> {
    seccomp::install(role, denied)
}

/// There is no such thing here.
pub(crate) fn seatbelt_in_force() -> Option<State> {
    None
}

/// Fails unless the process has one thread. Where /proc is not to be had, the user namespace
/// refuses a second thread by itself.
fn require_one_thread() -> Result<()> {
    match std::fs::read_dir("/proc/self/task") {
        Ok(tasks) => match tasks.count() {
            1 => Ok(()),
            more => Err(Error::Threads(more)),
        },
        Err(_) => Ok(()),
    }
}

/// Lets rustix read the process's auxiliary vector, which it does once, on the first look at a
/// clock or the page size: by a `prctl` that is refused later, or from /proc, which is then gone.
fn read_auxiliary_vector() {
    let _ = rustix::param::page_size();
    let _ = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
}
