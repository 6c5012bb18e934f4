//! What a guest may do with a name. Each operation on a name asks here, with the directory it is
//! in, before it touches the host.

use rustix::io::Errno;

use super::nodes::Node;
use crate::fs::name::Name;

/// What is about to happen to a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intent {
    /// It is looked at.
    See,
    /// It is made, taken away or given another meaning.
    Change,
}

/// The rules for names in one share.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    read_only: bool,
}

impl Policy {
    /// Everything is allowed, or everything but changes.
    #[must_use]
    pub fn new(read_only: bool) -> Self {
        Self { read_only }
    }

    /// Whether nothing may change.
    #[must_use]
    pub fn read_only(self) -> bool {
        self.read_only
    }

    /// Whether `name` in `parent` may be seen or changed.
    ///
    /// # Errors
    /// `EROFS` for changes in a read-only share.
    pub fn check(self, parent: &Node, name: Name<'_>, intent: Intent) -> Result<(), Errno> {
        // The rules do not depend on the name yet; masks and frozen files will.
        let _ = (parent, name);
        if self.read_only && intent == Intent::Change {
            return Err(Errno::ROFS);
        }
        Ok(())
    }
}
