//! macOS: the steps that a process takes by itself, in the sandbox that its parent put around it.

mod death;
mod inherited;
mod limits;
mod program;
mod sandbox;

use std::os::fd::{AsRawFd, OwnedFd};

use rustix::fs::Mode;

use crate::{Denied, Error, LayerName, Profile, Report, Result, Role, Root, State, Support};

pub use program::{Child, start_program};
pub(crate) use sandbox::in_force as seatbelt_in_force;

/// A process after [`enter`].
#[derive(Debug)]
pub struct Confined {
    /// Which layers are in force.
    pub report: Report,
    /// The folder of [`Root::Folder`]. `None` for other roots.
    pub root: Option<OwnedFd>,
    /// Nothing: there is no `/proc`.
    pub descriptors: Option<OwnedFd>,
}

/// Confines the calling process to `profile`, as far as it does that by itself: it must have been
/// started in a sandbox of Seatbelt ([`seatbelt`](crate::seatbelt)), which is what keeps it from
/// files, network and other programs. Call it in a process that was just executed and has one
/// thread; it has two afterwards, of which one waits for the parent's end.
///
/// Roots are the sandbox's affair. Of the profile, the identity and the limits of threads and of
/// locked memory are for other systems: a process has its caller's rights, the kernel counts
/// threads for the whole user, and guest memory may be locked by the hypervisor.
///
/// [`Role::Model`] needs no sandbox: it opens nothing that a guest names, and starts the one that
/// does into a sandbox, which it could not do from one.
///
/// # Errors
/// [`Error`]. The process must then end.
pub fn enter(profile: Profile) -> Result<Confined> {
    let Profile { role, parent, life, mut keep, root, limits, .. } = profile;
    let mut report = Report::new(role);

    match sandbox::in_force() {
        Some(state @ State::Active { .. }) => report.add(LayerName::Seatbelt, state),
        Some(state) if role == Role::Model => report.add(LayerName::Seatbelt, state),
        _ => return Err(Error::NoSeatbelt),
    }
    let root = match root {
        Root::Folder { folder, .. } => Some(folder),
        Root::Empty | Root::Program { .. } | Root::Tree { .. } => None,
    };
    keep.extend(life.iter().chain(&root).map(AsRawFd::as_raw_fd));
    inherited::close_others(&mut keep)?;
    inherited::clear_environment();
    rustix::process::umask(Mode::empty());
    report.add(
        LayerName::Descriptors,
        State::active(format!("{} descriptors, empty environment, umask 0", keep.len() + 3)),
    );
    report.add(LayerName::Limits, limits::set(&limits)?);
    sandbox::refuse_debuggers()?;
    report.add(LayerName::ParentDeath, death::bind(parent, life)?);
    Ok(Confined { report, root, descriptors: None })
}

/// Nothing more to take away: the profile is in force since before the first instruction, for
/// ever. See the crate's documentation.
///
/// # Errors
/// None; other systems have some.
pub fn seal(role: Role, _denied: Denied) -> Result<State> {
    Ok(match role {
        Role::Model => State::missing("the launcher of a program has no sandbox; the program has"),
        _ => State::active("the sandbox of the process's start, for ever"),
    })
}

/// What there is of what Linux has: nothing. [`seatbelt::support`](crate::seatbelt::support) tells
/// of this system's own.
#[must_use]
pub fn probe() -> Support {
    let none = || State::missing("Linux has it; here Seatbelt does what it is for");
    Support { user_namespace: none(), namespaces: none(), landlock: none(), seccomp: none() }
}
