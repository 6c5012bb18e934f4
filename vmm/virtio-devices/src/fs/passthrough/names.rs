//! Taking names away, moving them and adding more of them.

use rustix::fs::{
    AtFlags, FileType, RenameFlags, linkat, readlinkat_raw, renameat, renameat_with, unlinkat,
};
use rustix::io::Errno;
use rustix::path::DecInt;

use super::lookup::Source;
use super::{Passthrough, stat_fd};
use crate::fs::name::{MAX_TARGET, Name};
use crate::fs::wire::{EntryOut, LinkIn, Rename2In};

impl Passthrough {
    /// Takes away a name of something that is no directory.
    ///
    /// # Errors
    /// The host's; `EROFS` in a read-only share.
    pub fn unlink(&mut self, parent: u64, name: Name<'_>) -> Result<(), Errno> {
        let parent = self.changing(parent, name)?;
        unlinkat(&parent.fd, name.as_c_str(), AtFlags::empty())
    }

    /// Takes away an empty directory.
    ///
    /// # Errors
    /// The host's; `EROFS` in a read-only share.
    pub fn rmdir(&mut self, parent: u64, name: Name<'_>) -> Result<(), Errno> {
        let parent = self.changing(parent, name)?;
        unlinkat(&parent.fd, name.as_c_str(), AtFlags::REMOVEDIR)
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
        let flags = RenameFlags::from_bits_retain(request.flags);
        if !(RenameFlags::NOREPLACE | RenameFlags::EXCHANGE).contains(flags) {
            return Err(Errno::INVAL);
        }
        if flags.is_empty() {
            return renameat(&old.fd, from.as_c_str(), &new.fd, to.as_c_str());
        }
        renameat_with(&old.fd, from.as_c_str(), &new.fd, to.as_c_str(), flags)
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
        // The link in /proc is followed, to the node itself and no further: an empty path
        // instead would need a privilege.
        linkat(
            &self.proc_self_fd,
            DecInt::from_fd(&node.fd),
            &parent.fd,
            name.as_c_str(),
            AtFlags::SYMLINK_FOLLOW,
        )?;
        let stat = stat_fd(&node.fd)?;
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
        let length = readlinkat_raw(&node.fd, c"", &mut text[..])?;
        out.extend_from_slice(text.get(..length).ok_or(Errno::NAMETOOLONG)?);
        Ok(())
    }
}

#[cfg(test)]
#[path = "names_test.rs"]
mod tests;
