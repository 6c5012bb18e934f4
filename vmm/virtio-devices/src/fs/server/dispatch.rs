//! From what a request asks for to the operation that does it.

use rustix::io::Errno;
use vm_memory::ByteValued;

use super::init::negotiate;
use super::{HEADER, Server};
use crate::fs::decode::Operation as Op;
use crate::fs::message::{Input, Output};
use crate::fs::passthrough::dir::Listing;
use crate::fs::passthrough::xattr;
use crate::fs::wire::{InHeader, LseekOut, ReadIn, SizeOut};

/// What an operation leaves to be sent.
pub enum Answer {
    /// What it has put into the reply, which may be nothing.
    Reply,
    /// This many bytes, which are behind the header's place already.
    Read(usize),
    /// No reply at all.
    Nothing,
    /// A reply later.
    Waits(u64),
}

impl Server {
    pub(super) fn dispatch(
        &mut self,
        header: &InHeader,
        operation: Op<'_>,
        input: &mut impl Input,
        output: &mut impl Output,
    ) -> Result<Answer, Errno> {
        let id = header.nodeid;
        let files = &mut self.passthrough;
        match operation {
            Op::Init(first, more) => {
                if self.open && !self.restarted {
                    return Err(Errno::IO);
                }
                let locks = self.share_locks && !files.read_only();
                let (reply, open) = negotiate(&first, &more, locks)?;
                self.close();
                self.open = open;
                self.restarted = false;
                self.put(&reply)
            }
            Op::Destroy => {
                self.close();
                Ok(Answer::Reply)
            }
            Op::Interrupt(request) => {
                if self.waiting.interrupt(request.unique) || output.remaining() < HEADER {
                    return Ok(Answer::Nothing);
                }
                // It may be on its way still.
                Err(Errno::AGAIN)
            }
            Op::Forget(request) => {
                files.forget(id, request.nlookup);
                Ok(Answer::Nothing)
            }
            // Read piece by piece, before decoding.
            Op::BatchForget(_) => Ok(Answer::Nothing),
            Op::Lookup(name) => {
                let entry = files.lookup(id, name)?;
                self.put(&entry)
            }
            Op::Getattr(request) => {
                let attributes = files.getattr(id, &request)?;
                self.put(&attributes)
            }
            Op::Statx(request) => {
                let attributes = files.statx(id, &request)?;
                self.put(&attributes)
            }
            Op::Setattr(request) => {
                let attributes = files.setattr(id, &request)?;
                self.put(&attributes)
            }
            Op::Access(request) => done(files.access(id, &request)),
            Op::Readlink => done(files.readlink(id, &mut self.reply)),
            Op::Symlink(name, target) => {
                let entry = files.symlink(id, name, target)?;
                self.put(&entry)
            }
            Op::Mknod(request, name) => {
                let entry = files.mknod(id, &request, name)?;
                self.put(&entry)
            }
            Op::Mkdir(request, name) => {
                let entry = files.mkdir(id, &request, name)?;
                self.put(&entry)
            }
            Op::Unlink(name) => done(files.unlink(id, name)),
            Op::Rmdir(name) => done(files.rmdir(id, name)),
            Op::Rename(request, from, to) => done(files.rename(id, &request, from, to)),
            Op::Link(request, name) => {
                let entry = files.link(id, &request, name)?;
                self.put(&entry)
            }
            Op::Open(request) => {
                let open = files.open(id, &request)?;
                self.put(&open)
            }
            Op::Opendir => {
                let open = files.opendir(id)?;
                self.put(&open)
            }
            Op::Create(request, name) => {
                let (entry, open) = files.create(id, &request, name)?;
                let _ = self.put(&entry);
                self.put(&open)
            }
            Op::Tmpfile(request) => {
                let (entry, open) = files.tmpfile(id, &request)?;
                let _ = self.put(&entry);
                self.put(&open)
            }
            Op::Read(request) => {
                let mut payload = output.split_off(HEADER).map_err(|_| Errno::IO)?;
                files.read(id, &request, &mut payload).map(Answer::Read)
            }
            Op::Write(request) => {
                let size = files.write(id, &request, input)?;
                self.put(&SizeOut { size, padding: 0 })
            }
            Op::Readdir(request) => self.list(id, &request, Listing::Plain, output),
            Op::Readdirplus(request) => self.list(id, &request, Listing::Plus, output),
            Op::Flush(request) => done(files.flush(id, &request)),
            Op::Release(request) => done(files.release(id, &request)),
            Op::Releasedir(request) => done(files.releasedir(id, &request)),
            Op::Fsync(request) => done(files.fsync(id, &request)),
            Op::Fsyncdir(request) => done(files.fsyncdir(id, &request)),
            Op::Statfs => {
                let space = files.statfs(id)?;
                self.put(&space)
            }
            Op::Syncfs => done(files.syncfs()),
            Op::Fallocate(request) => done(files.fallocate(id, &request)),
            Op::Lseek(request) => {
                let offset = files.lseek(id, &request)?;
                self.put(&LseekOut { offset })
            }
            Op::CopyFileRange(request) => {
                let size = files.copy(id, &request)?;
                self.put(&SizeOut { size, padding: 0 })
            }
            Op::Setxattr(request, name, value) => done(files.setxattr(id, &request, name, value)),
            Op::Getxattr(request, name) => {
                let answer = files.getxattr(id, name, request.size, &mut self.reply)?;
                self.put_xattr(answer)
            }
            Op::Listxattr(request) => {
                let answer = files.listxattr(id, request.size, &mut self.reply)?;
                self.put_xattr(answer)
            }
            Op::Removexattr(name) => done(files.removexattr(id, name)),
            Op::Getlk(request) => {
                let lock = files.getlk(id, &request)?;
                self.put(&lock)
            }
            Op::Setlk(request) => done(files.setlk(id, &request)),
            Op::Setlkw(request) => match files.setlk(id, &request) {
                Err(Errno::AGAIN) => {
                    let number = self.waiting.add(header.unique, id, request)?;
                    Ok(Answer::Waits(number))
                }
                other => done(other),
            },
        }
    }

    /// Ends the session: nothing is known or open any more, and nobody waits.
    fn close(&mut self) {
        self.waiting.give_up(Errno::INTR);
        self.passthrough.clear();
        self.open = false;
    }

    fn put<T: ByteValued>(&mut self, object: &T) -> Result<Answer, Errno> {
        self.reply.extend_from_slice(object.as_slice());
        Ok(Answer::Reply)
    }

    fn put_xattr(&mut self, answer: xattr::Answer) -> Result<Answer, Errno> {
        match answer {
            xattr::Answer::Bytes => Ok(Answer::Reply),
            xattr::Answer::Size(size) => self.put(&SizeOut { size, padding: 0 }),
        }
    }

    fn list(
        &mut self,
        id: u64,
        request: &ReadIn,
        listing: Listing,
        output: &impl Output,
    ) -> Result<Answer, Errno> {
        let room = output.remaining().saturating_sub(HEADER);
        let listed = self.passthrough.readdir(id, request, listing, room, &mut self.reply);
        done(listed)
    }
}

fn done(result: Result<(), Errno>) -> Result<Answer, Errno> {
    result.map(|()| Answer::Reply)
}
