//! From names to nodes.

use std::sync::Arc;

use rustix::fs::FileType;
use rustix::io::Errno;

use super::Passthrough;
use super::nodes::{Key, Node};
use super::policy::Intent;
use crate::fs::name::Name;
use crate::fs::sys::Stat;
use crate::fs::wire::EntryOut;

/// How the guest came by an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// It asked for the name.
    Name,
    /// It lists the directory.
    Listing,
}

impl Passthrough {
    /// Resolves a name and counts a lookup.
    ///
    /// # Errors
    /// The host's, or the table's.
    pub fn lookup(&mut self, parent: u64, name: Name<'_>) -> Result<EntryOut, Errno> {
        let parent = self.directory(parent)?;
        self.policy.check(&parent, name, Intent::See)?;
        let (node, stat) = self.resolve(&parent, name)?;
        Ok(self.entry(&node, &stat, Source::Name))
    }

    /// Forgets lookups of a node.
    pub fn forget(&mut self, id: u64, count: u64) {
        if self.nodes.forget(id, count) {
            self.locks.forget_node(id);
        }
    }

    /// The directory of a name that is about to change, if the rules allow it.
    pub(super) fn changing(&self, parent: u64, name: Name<'_>) -> Result<Arc<Node>, Errno> {
        let parent = self.directory(parent)?;
        self.policy.check(&parent, name, Intent::Change)?;
        Ok(parent)
    }

    /// The node of a name. A name that the guest asks for is most often known or absent, and
    /// then one system call is enough. What it says about an unknown file is not believed:
    /// the file is opened and looked at again.
    pub(super) fn resolve(
        &mut self,
        parent: &Node,
        name: Name<'_>,
    ) -> Result<(Arc<Node>, Stat), Errno> {
        let stat = self.host.find(&parent.held, name)?;
        match self.nodes.find(Key::of(&stat)) {
            Some(node) => {
                self.host.met(&node.held, &parent.held, name);
                Ok((node, stat))
            }
            None => self.resolve_new(parent, name),
        }
    }

    /// The node of a name that the guest probably does not know yet.
    pub(super) fn resolve_new(
        &mut self,
        parent: &Node,
        name: Name<'_>,
    ) -> Result<(Arc<Node>, Stat), Errno> {
        let permit = self.nodes.permit()?;
        let (held, stat) = self.host.hold(&parent.held, name)?;
        Ok((self.nodes.insert(held, &stat, permit), stat))
    }

    /// Tells the guest of a node, which counts as a lookup.
    pub(super) fn entry(&mut self, node: &Node, stat: &Stat, source: Source) -> EntryOut {
        self.nodes.count(node.id);
        let (name, attributes) = match (node.kind, source) {
            (FileType::Directory, _) => (self.cache.directory, self.cache.directory),
            (_, Source::Name) => (self.cache.name, self.cache.attributes),
            (_, Source::Listing) => (self.cache.listed, self.cache.listed),
        };
        EntryOut {
            nodeid: node.id,
            generation: 0,
            entry_valid: name.as_secs(),
            entry_valid_nsec: name.subsec_nanos(),
            attr_valid: attributes.as_secs(),
            attr_valid_nsec: attributes.subsec_nanos(),
            attr: self.attr(stat),
        }
    }
}

#[cfg(test)]
#[path = "lookup_test.rs"]
mod tests;
