//! The files and directories that the guest knows.
//!
//! What a node id means never changes, whatever happens to names (`sys::Held`). Ids are counted up and never used again: they say nothing about the host,
//! and an old one cannot mean something new.

use std::collections::HashMap;
use std::sync::Arc;

use rustix::fs::FileType;
use rustix::io::Errno;

use super::limits::{Budget, Permit};
use crate::fs::sys::{Held, Stat, Time};
use crate::fs::wire::ROOT_ID;

/// What makes two names the same file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    device: (u32, u32),
    ino: u64,
    variant: u64,
}

impl Key {
    /// The key of what `stat` describes.
    #[must_use]
    pub fn of(stat: &Stat) -> Self {
        Self { device: stat.device, ino: stat.ino, variant: stat.variant }
    }

    /// The key of another inode that is like this one in everything else.
    #[must_use]
    pub fn with_ino(self, ino: u64) -> Self {
        Self { ino, ..self }
    }

    /// The inode number.
    #[must_use]
    pub fn ino(self) -> u64 {
        self.ino
    }

    /// Major and minor number of the device.
    #[must_use]
    pub fn device(self) -> (u32, u32) {
        self.device
    }
}

/// A file of any kind that the guest knows.
#[derive(Debug)]
pub struct Node {
    /// Its id.
    pub id: u64,
    /// What is kept of it: to look at it, to name what is in it, and to open it again.
    pub(in crate::fs) held: Held,
    /// Which file it is.
    pub key: Key,
    /// Its kind, which cannot change.
    pub kind: FileType,
    _permit: Option<Permit>,
}

/// How a file looked when the guest last opened it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    size: u64,
    mtime: Time,
    ctime: Time,
}

impl Stamp {
    /// The stamp of what `stat` describes.
    #[must_use]
    pub fn of(stat: &Stat) -> Self {
        Self { size: stat.size, mtime: stat.mtime, ctime: stat.ctime }
    }

    /// Whether a change in the same tick of the clock could go unseen: `now`, in seconds, is
    /// less than two after the last change.
    #[must_use]
    pub fn is_fresh(&self, now: i64) -> bool {
        now.saturating_sub(self.ctime.sec) < 2
    }
}

struct Entry {
    node: Arc<Node>,
    lookups: u64,
    stamp: Option<Stamp>,
}

/// The table of nodes.
pub struct Nodes {
    by_id: HashMap<u64, Entry>,
    by_key: HashMap<Key, u64>,
    next_id: u64,
    budget: Budget,
}

impl Nodes {
    /// A table with the root only.
    #[must_use]
    pub(in crate::fs) fn new(root: Held, stat: &Stat, budget: Budget) -> Self {
        let mut nodes =
            Self { by_id: HashMap::new(), by_key: HashMap::new(), next_id: ROOT_ID, budget };
        nodes.add(root, stat, None);
        nodes
    }

    /// The node with this id.
    ///
    /// # Errors
    /// `ESTALE` when there is none.
    pub fn get(&self, id: u64) -> Result<Arc<Node>, Errno> {
        let entry = self.by_id.get(&id).ok_or(Errno::STALE)?;
        Ok(Arc::clone(&entry.node))
    }

    /// The node of this file, if the guest knows it.
    #[must_use]
    pub fn find(&self, key: Key) -> Option<Arc<Node>> {
        let entry = self.by_id.get(self.by_key.get(&key)?)?;
        Some(Arc::clone(&entry.node))
    }

    /// The right to insert a node; asked for before its file is opened.
    ///
    /// # Errors
    /// `ENFILE` when the guest knows too many.
    pub fn permit(&self) -> Result<Permit, Errno> {
        self.budget.take()
    }

    /// Whether there is room for nodes that the guest did not ask for.
    #[must_use]
    pub fn is_roomy(&self) -> bool {
        self.budget.is_plentiful()
    }

    /// Inserts a file, or finds the node it has already. Counts no lookup.
    pub(in crate::fs) fn insert(&mut self, held: Held, stat: &Stat, permit: Permit) -> Arc<Node> {
        match self.find(Key::of(stat)) {
            Some(node) => node,
            None => self.add(held, stat, Some(permit)),
        }
    }

    fn add(&mut self, held: Held, stat: &Stat, permit: Option<Permit>) -> Arc<Node> {
        let id = self.next_id;
        // Cannot wrap within the life of a machine.
        self.next_id = self.next_id.wrapping_add(1);
        let node =
            Arc::new(Node { id, held, key: Key::of(stat), kind: stat.kind(), _permit: permit });
        self.by_key.insert(node.key, id);
        let entry = Entry { node: Arc::clone(&node), lookups: 0, stamp: None };
        self.by_id.insert(id, entry);
        node
    }

    /// The guest was told of the node once more.
    pub fn count(&mut self, id: u64) {
        if let Some(entry) = self.by_id.get_mut(&id) {
            entry.lookups = entry.lookups.saturating_add(1);
        }
    }

    /// The guest forgets `count` of the times it was told. True when the node is gone now.
    /// The root stays; forgetting too much is forgetting all.
    pub fn forget(&mut self, id: u64, count: u64) -> bool {
        if id == ROOT_ID {
            return false;
        }
        let Some(entry) = self.by_id.get_mut(&id) else {
            return false;
        };
        entry.lookups = entry.lookups.saturating_sub(count);
        if entry.lookups > 0 {
            return false;
        }
        let key = entry.node.key;
        if self.by_key.get(&key) == Some(&id) {
            self.by_key.remove(&key);
        }
        self.by_id.remove(&id);
        true
    }

    /// Forgets everything but the root.
    pub fn clear(&mut self) {
        self.by_id.retain(|id, _| *id == ROOT_ID);
        self.by_key.retain(|_, id| *id == ROOT_ID);
    }

    /// Notes how a file looks as the guest opens it. True when it looked the same at the last
    /// opening.
    pub fn unchanged(&mut self, id: u64, stamp: Option<Stamp>) -> bool {
        let Some(entry) = self.by_id.get_mut(&id) else {
            return false;
        };
        let before = std::mem::replace(&mut entry.stamp, stamp);
        before.is_some() && before == stamp
    }

    /// Number of nodes, the root among them.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Never: the root is always there.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }
}

#[cfg(test)]
#[path = "nodes_test.rs"]
mod tests;
