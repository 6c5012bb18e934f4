//! Why a process could not be confined.

use std::{io, path::PathBuf};

use crate::LayerName;

/// The result of a step of confinement.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a process could not be confined. The process must then end: it may be in a state
/// between free and confined.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A step that must work did not.
    #[error("{step} failed")]
    Step {
        /// What was attempted.
        step: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The process already has more than one thread, which namespaces and landlock would miss.
    #[error("a process with {0} threads cannot be confined: confine it before it starts any")]
    Threads(usize),
    /// The parent ended while this process started.
    #[error("the parent process is gone")]
    ParentGone,
    /// Neither a mount namespace nor landlock is to be had, so the host's files would stay open.
    #[error(
        "nothing on this machine keeps the process from the host's files \
         (namespaces: {namespaces}; landlock: {landlock}); \
         allow user namespaces or boot a kernel with landlock"
    )]
    FilesOpen {
        /// Why there is no mount namespace.
        namespaces: String,
        /// Why there is no landlock.
        landlock: String,
    },
    /// The process runs outside of Seatbelt, so the host's files would stay open.
    #[error(
        "the process was not started in a sandbox, which would leave the host's files open to it; \
         start it by {}",
        crate::seatbelt::PROGRAM
    )]
    NoSeatbelt,
    /// A layer is not in force, and [`Profile::strict`](crate::Profile::strict) demands all.
    #[error("every layer of confinement must be in force, but {layer} is not ({why}){}", remedy(*.layer))]
    Strict {
        /// The layer.
        layer: LayerName,
        /// Why it is not in force.
        why: String,
    },
    /// A part of a root could not be had.
    #[error("{} could not be put into the root: {why}", .at.display())]
    Part {
        /// Its place in the root.
        at: PathBuf,
        /// Why.
        why: String,
    },
    /// A program could not be started.
    #[error("{} could not be executed", .path.display())]
    Execute {
        /// Its path in the root.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The landlock rules could not be made.
    #[error("landlock rules could not be made")]
    Landlock(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The system call filter could not be compiled or installed.
    #[error("the system call filter could not be installed: {0}")]
    Seccomp(String),
}

/// What to do about a layer that is not in force.
fn remedy(layer: LayerName) -> &'static str {
    match layer {
        LayerName::UserNamespace | LayerName::Namespaces | LayerName::Root => {
            "; allow user namespaces"
        }
        LayerName::Landlock => "; boot Linux 5.13 or newer with landlock",
        LayerName::Identity => "; start it as an ordinary user",
        _ => "",
    }
}

impl Error {
    /// Makes an error of a failed step.
    pub(crate) fn step(step: &'static str) -> impl FnOnce(rustix::io::Errno) -> Self {
        move |errno| Self::Step { step, source: errno.into() }
    }

    /// Makes an error of a failed step that reports as [`io::Error`].
    pub(crate) fn io(step: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Step { step, source }
    }
}
