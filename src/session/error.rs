//! Why a session failed: qvm ends with status 125.

use std::{io, net::SocketAddr, path::PathBuf};

/// Each message says what failed; what to do stands in it or in its source.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No agent to start in the guest.
    #[error(transparent)]
    AgentMissing(#[from] guest_image::agent::AgentError),
    /// Neither the image nor the cache has one.
    #[error("the image {0} has no kernel: `qvm image kernel` makes one")]
    NoKernel(String),
    /// The name is taken, or another session cannot be reached.
    #[error(transparent)]
    Registry(#[from] super::registry::Error),
    /// No model.
    #[error(transparent)]
    Model(#[from] crate::serve::AttachError),
    /// The user's own files for agents.
    #[error("the files for agents cannot be used")]
    Personal(#[source] guest_image::agents::HomeError),
    /// The log of requests.
    #[error("cannot write to {}", .0.display())]
    RequestLog(PathBuf, #[source] io::Error),
    /// A process of ours did not start.
    #[error(transparent)]
    Process(#[from] crate::process::Error),
    /// A published port is not to be had.
    #[error("cannot listen on {0}; choose another port with -p")]
    Publish(SocketAddr, #[source] io::Error),
    /// The terminal cannot be set up.
    #[error("cannot take over the terminal")]
    Terminal(#[source] io::Error),
    /// Something the operating system refused.
    #[error("cannot {0}")]
    System(&'static str, #[source] io::Error),
    /// A file of the image is gone.
    #[error("cannot open {}", .0.display())]
    Open(PathBuf, #[source] io::Error),
    /// The agent did not connect in time.
    #[error("the guest did not come up within {0} seconds{1}; try --show-boot, or `qvm doctor`")]
    BootTimeout(u64, Tail),
    /// The machine stopped before the command ended.
    #[error("the guest's kernel panicked{0}; --show-boot shows all it said")]
    Panicked(Tail),
    /// The machine stopped before the command ended.
    #[error("the machine stopped before the command ended{0}; --show-boot shows what it said")]
    Stopped(Tail),
    /// A process of ours is gone.
    #[error(
        "qvm's {0} process ended{1}; the machine was stopped: `qvm doctor` and `qvm image verify` look for the cause"
    )]
    ProcessGone(&'static str, String),
    /// The agent gave up.
    #[error("the guest could not be set up: {0}")]
    Agent(String),
    /// The agent gave up later.
    #[error("the guest cannot go on: {0}")]
    AgentStopped(String),
    /// The agent is gone.
    #[error("the connection to the guest's agent broke: {0}")]
    AgentLost(String),
    /// The command could not be started for a reason other than 126 and 127.
    #[error("the command could not be started: {0}")]
    Command(#[source] io::Error),
    /// The working directory does not exist in the guest.
    #[error("the working directory cannot be entered in the guest; see -w")]
    WorkingDirectory(#[source] io::Error),
}

/// Last lines of the console, for the end of a message.
#[derive(Debug, Default)]
pub struct Tail {
    /// What the guest printed last.
    pub lines: Vec<String>,
    /// What the monitor's devices had to say.
    pub notes: Vec<String>,
}

impl std::fmt::Display for Tail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for note in &self.notes {
            write!(f, " ({note})")?;
        }
        if self.lines.is_empty() {
            return f.write_str(" (its console is empty)");
        }
        f.write_str(". Its console ends:")?;
        self.lines.iter().try_for_each(|line| write!(f, "\n    {line}"))?;
        f.write_str("\n  that was it")
    }
}
