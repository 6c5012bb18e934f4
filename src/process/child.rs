//! The other side: what a process does from its first instruction.

use std::{env, io, os::fd::OwnedFd, path::PathBuf, process::ExitCode};

use confine::{Denied, Profile};

use super::{MARK, launch::Order, sys::ServeError, words};

/// Why a process gives up. The session prints it.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// It was not started by qvm.
    #[error("this is an internal command of qvm, which starts it by itself")]
    NotStartedByQvm(#[source] io::Error),
    /// It could not be confined, and does nothing unconfined.
    #[error("the process could not be confined")]
    Confine(#[from] confine::Error),
    /// The device could not be made.
    #[error("the device could not be made")]
    Device(#[from] io::Error),
    /// The program that it started has ended.
    #[error("it ended by itself ({0})")]
    Ended(std::process::ExitStatus),
    /// The monitor, or the way to it, broke.
    #[error("the connection to the machine failed")]
    #[cfg_attr(target_os = "macos", allow(dead_code, reason = "the monitor serves them itself"))]
    Serve(#[from] ServeError),
    /// The machine could not be built.
    #[error(transparent)]
    Machine(#[from] qvm_vmm::machine::Error),
    /// The machine stopped in disorder.
    #[error(transparent)]
    Run(#[from] qvm_vmm::machine::RunError),
    /// The program is not there or cannot be executed.
    #[error("cannot execute {}", program.display())]
    Execute {
        /// Which program.
        program: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// What every process has in common.
pub(super) struct Start {
    parent: u32,
    life: OwnedFd,
    /// What a refused system call does.
    pub(super) denied: Denied,
}

impl Start {
    /// The pipe that closes when the session ends, for a process that watches it by itself.
    #[cfg_attr(target_os = "linux", allow(dead_code, reason = "the kernel watches it"))]
    pub(super) fn life(self) -> OwnedFd {
        self.life
    }

    /// Ties the process that is confined by `profile` to the session.
    pub(super) fn bind(self, mut profile: Profile) -> Profile {
        profile.parent = Some(self.parent);
        profile.life = Some(self.life);
        profile
    }
}

/// Becomes one of qvm's own processes, if this process was started to be one. To be called
/// first of all, before any thread is started or anything printed.
pub fn dispatch() -> Option<ExitCode> {
    let mut arguments = env::args_os().skip(1);
    if arguments.next()? != MARK {
        return None;
    }
    let number = arguments.next().and_then(|number| number.to_str()?.parse().ok());
    Some(match run(number) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            words::say_failed(&error);
            ExitCode::FAILURE
        }
    })
}

fn run(number: Option<i32>) -> Result<(), Error> {
    let unknown = || io::Error::from(io::ErrorKind::InvalidInput);
    let order = number
        .filter(|number| *number > 2)
        .ok_or_else(unknown)
        .and_then(Order::read)
        .map_err(Error::NotStartedByQvm)?;
    let start = Start { parent: order.parent, life: order.life.take()?, denied: order.denied };
    order.job.run(start)
}
