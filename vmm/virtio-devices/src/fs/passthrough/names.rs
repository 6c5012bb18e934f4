//! Taking names away, moving them and adding more of them.

use rustix::fs::{FileType, RenameFlags};
use rustix::io::Errno;

use super::Passthrough;
use super::lookup::Source;
use super::nodes::{Key, Node};
use crate::fs::name::{MAX_TARGET, Name};
use crate::fs::wire::{EntryOut, LinkIn, Rename2In, flags};

impl Passthrough {
    /// Takes away a name of something that is no directory.
    ///
    /// # Errors
    /// The host's; `EROFS` in a read-only share.
    pub fn unlink(&mut self, parent: u64, name: Name<'_>) -> Result<(), Errno> {
        let parent = self.changing(parent, name)?;
        self.host.unlink(&parent.held, name, false)
    }

    /// Takes away an empty directory.
    ///
    /// # Errors
    /// The host's; `EROFS` in a read-only share.
    pub fn rmdir(&mut self, parent: u64, name: Name<'_>) -> Result<(), Errno> {
        let parent = self.changing(parent, name)?;
        self.host.unlink(&parent.held, name, true)
    }

    /// Moves a name, or exchanges two, or moves it only to where nothing is.
    ///
    /// # Errors
    /// The host's; `EINVAL` for other flags; `EROFS` in a read-only share.
    pub fn rename(
        &mut self,
        parent: u64,
        request: &Rename2In,
        from: Name<'_>,
        to: Name<'_>,
    ) -> Result<(), Errno> {
        let old = self.changing(parent, from)?;
        let new = self.changing(request.newdir, to)?;
        let flags = rename_flags(request.flags)?;
        self.host.rename((&old.held, from), (&new.held, to), flags)?;
        if self.host.follows_names() {
            self.moved(&new, to);
            if flags.contains(RenameFlags::EXCHANGE) {
                self.moved(&old, from);
            }
        }
        Ok(())
    }

    /// Gives a node one more name. Works for files made without one, too.
    ///
    /// # Errors
    /// The host's; `EPERM` for directories; `EROFS` in a read-only share.
    pub fn link(
        &mut self,
        parent: u64,
        request: &LinkIn,
        name: Name<'_>,
    ) -> Result<EntryOut, Errno> {
        let parent = self.changing(parent, name)?;
        let node = self.nodes.get(request.oldnodeid)?;
        if node.kind == FileType::Directory {
            return Err(Errno::PERM);
        }
        self.host.link(&node.held, &parent.held, name)?;
        let stat = self.host.stat(&node.held)?;
        Ok(self.entry(&node, &stat, Source::Name))
    }

    /// Appends the text of a symbolic link to `out`.
    ///
    /// # Errors
    /// The host's; `EINVAL` for anything else.
    pub fn readlink(&mut self, id: u64, out: &mut Vec<u8>) -> Result<(), Errno> {
        let node = self.nodes.get(id)?;
        if node.kind != FileType::Symlink {
            return Err(Errno::INVAL);
        }
        let mut text = [0_u8; MAX_TARGET + 1];
        let length = self.host.read_link(&node.held, &mut text)?;
        out.extend_from_slice(text.get(..length).ok_or(Errno::NAMETOOLONG)?);
        Ok(())
    }

    /// A name means something else now: the node that it means is told where it is.
    fn moved(&self, parent: &Node, name: Name<'_>) {
        let stat = self.host.find(&parent.held, name);
        if let Some(node) = stat.ok().and_then(|stat| self.nodes.find(Key::of(&stat))) {
            self.host.met(&node.held, &parent.held, name);
        }
    }
}

/// The guest's flags in the host's numbers.
fn rename_flags(guest: u32) -> Result<RenameFlags, Errno> {
    let mut host = RenameFlags::empty();
    host.set(RenameFlags::NOREPLACE, guest & flags::rename::NOREPLACE != 0);
    host.set(RenameFlags::EXCHANGE, guest & flags::rename::EXCHANGE != 0);
    if guest & !(flags::rename::NOREPLACE | flags::rename::EXCHANGE) != 0 {
        return Err(Errno::INVAL);
    }
    Ok(host)
}

#[cfg(test)]
#[path = "names_test.rs"]
mod tests;
