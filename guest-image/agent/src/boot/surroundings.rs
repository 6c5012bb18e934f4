//! The guest as its commands see it.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use super::cgroups;
use crate::account::Account;
use crate::command::run::Surroundings;
use crate::end::Ender;

/// The real surroundings of commands.
#[derive(Debug)]
pub struct Guest {
    ender: Arc<Ender>,
}

impl Guest {
    /// Ends things through `ender`.
    pub fn new(ender: Arc<Ender>) -> Self {
        Self { ender }
    }
}

impl Surroundings for Guest {
    fn cgroup(&self, id: u32, account: &Account) -> Option<OwnedFd> {
        cgroups::create(id, account)
    }

    fn kill(&self, id: u32) {
        cgroups::kill(id);
    }

    fn left(&self, id: u32) {
        cgroups::remove(id);
    }

    fn end_processes(&self) {
        self.ender.processes();
    }

    fn end_shares(&self) {
        self.ender.shares();
    }
}
