//! The guest as its commands see it.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use super::cgroups;
use super::mounts::CGROUP;
use super::systemd::Systemd;
use crate::account::Account;
use crate::command::run::Surroundings;
use crate::end::Ender;
use crate::sys::namespaces::Namespaces;

/// The real surroundings of commands.
#[derive(Debug)]
pub struct Guest {
    ender: Arc<Ender>,
    systemd: Option<Arc<Systemd>>,
}

impl Guest {
    /// Ends things through `ender`; commands run under `systemd` where there is one.
    pub fn new(ender: Arc<Ender>, systemd: Option<Arc<Systemd>>) -> Self {
        Self { ender, systemd }
    }

    /// The cgroup that those of commands are in.
    fn cgroups(&self) -> &'static str {
        if self.systemd.is_some() { cgroups::SYSTEMD } else { CGROUP }
    }
}

impl Surroundings for Guest {
    fn cgroup(&self, id: u32, account: &Account) -> Option<OwnedFd> {
        cgroups::create(self.cgroups(), id, account)
    }

    fn kill(&self, id: u32) {
        cgroups::kill(self.cgroups(), id);
    }

    fn left(&self, id: u32) {
        cgroups::remove(self.cgroups(), id);
    }

    fn namespaces(&self) -> Option<&Namespaces> {
        self.systemd.as_ref().map(|systemd| &systemd.namespaces)
    }

    fn is_over(&self) -> bool {
        self.systemd.as_ref().is_some_and(|systemd| systemd.namespaces.are_over())
            && !self.ender.has_begun()
    }

    fn end_processes(&self) {
        self.ender.processes();
    }

    fn end_shares(&self) {
        self.ender.shares();
    }
}
