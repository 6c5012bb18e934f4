//! From the bytes of a request to what it asks for. Every name passes [`Name`] here and nowhere
//! else.

use std::ffi::CStr;

use rustix::io::Errno;
use vm_memory::ByteValued;

use super::name::{Name, Target, XattrName};
use super::opcode::Opcode;
use super::wire;

/// Largest request read into memory, without its header: an extended attribute with its name.
/// Longer ones carry file contents, which go straight from guest memory to the file, or lists,
/// which are read piece by piece.
pub const MAX_BODY: usize = 65536 + 512;

/// What a request asks for. The node it asks about is in its header.
#[derive(Debug)]
#[expect(missing_docs, reason = "named as the opcodes")]
pub enum Operation<'a> {
    Init(wire::InitIn, wire::InitMoreIn),
    Destroy,
    Interrupt(wire::InterruptIn),
    Lookup(Name<'a>),
    Forget(wire::ForgetIn),
    BatchForget(wire::BatchForgetIn),
    Getattr(wire::GetattrIn),
    Statx(wire::StatxIn),
    Setattr(wire::SetattrIn),
    Access(wire::AccessIn),
    Readlink,
    Symlink(Name<'a>, Target<'a>),
    Mknod(wire::MknodIn, Name<'a>),
    Mkdir(wire::MkdirIn, Name<'a>),
    Unlink(Name<'a>),
    Rmdir(Name<'a>),
    Rename(wire::Rename2In, Name<'a>, Name<'a>),
    Link(wire::LinkIn, Name<'a>),
    Open(wire::OpenIn),
    Opendir,
    Create(wire::CreateIn, Name<'a>),
    Tmpfile(wire::CreateIn),
    Read(wire::ReadIn),
    Write(wire::WriteIn),
    Readdir(wire::ReadIn),
    Readdirplus(wire::ReadIn),
    Flush(wire::FlushIn),
    Release(wire::ReleaseIn),
    Releasedir(wire::ReleaseIn),
    Fsync(wire::FsyncIn),
    Fsyncdir(wire::FsyncIn),
    Statfs,
    Syncfs,
    Fallocate(wire::FallocateIn),
    Lseek(wire::LseekIn),
    CopyFileRange(wire::CopyIn),
    Setxattr(wire::SetxattrIn, XattrName<'a>, &'a [u8]),
    Getxattr(wire::GetxattrIn, XattrName<'a>),
    Listxattr(wire::GetxattrIn),
    Removexattr(XattrName<'a>),
    Getlk(wire::LkIn),
    Setlk(wire::LkIn),
    Setlkw(wire::LkIn),
}

/// Decodes what follows the header. Bytes after what the opcode needs are left alone.
///
/// # Errors
/// `EINVAL` when `body` is too short or a text has no zero at its end, or what [`Name`],
/// [`XattrName`] and [`Target`] say.
pub fn decode(opcode: Opcode, body: &[u8]) -> Result<Operation<'_>, Errno> {
    use Operation as Op;
    let mut body = Body(body);
    Ok(match opcode {
        Opcode::Init => {
            let first = body.object()?;
            Op::Init(first, body.object().unwrap_or_default())
        }
        Opcode::Destroy => Op::Destroy,
        Opcode::Interrupt => Op::Interrupt(body.object()?),
        Opcode::Lookup => Op::Lookup(body.name()?),
        Opcode::Forget => Op::Forget(body.object()?),
        Opcode::BatchForget => Op::BatchForget(body.object()?),
        Opcode::Getattr => Op::Getattr(body.object()?),
        Opcode::Statx => Op::Statx(body.object()?),
        Opcode::Setattr => Op::Setattr(body.object()?),
        Opcode::Access => Op::Access(body.object()?),
        Opcode::Readlink => Op::Readlink,
        Opcode::Symlink => Op::Symlink(body.name()?, Target::new(body.text()?)?),
        Opcode::Mknod => Op::Mknod(body.object()?, body.name()?),
        Opcode::Mkdir => Op::Mkdir(body.object()?, body.name()?),
        Opcode::Unlink => Op::Unlink(body.name()?),
        Opcode::Rmdir => Op::Rmdir(body.name()?),
        Opcode::Rename => {
            let wire::RenameIn { newdir } = body.object()?;
            let request = wire::Rename2In { newdir, ..Default::default() };
            Op::Rename(request, body.name()?, body.name()?)
        }
        Opcode::Rename2 => Op::Rename(body.object()?, body.name()?, body.name()?),
        Opcode::Link => Op::Link(body.object()?, body.name()?),
        Opcode::Open => Op::Open(body.object()?),
        Opcode::Opendir => Op::Opendir,
        Opcode::Create => Op::Create(body.object()?, body.name()?),
        // A name follows that the driver made up; it means nothing.
        Opcode::Tmpfile => Op::Tmpfile(body.object()?),
        Opcode::Read => Op::Read(body.object()?),
        Opcode::Write => Op::Write(body.object()?),
        Opcode::Readdir => Op::Readdir(body.object()?),
        Opcode::Readdirplus => Op::Readdirplus(body.object()?),
        Opcode::Flush => Op::Flush(body.object()?),
        Opcode::Release => Op::Release(body.object()?),
        Opcode::Releasedir => Op::Releasedir(body.object()?),
        Opcode::Fsync => Op::Fsync(body.object()?),
        Opcode::Fsyncdir => Op::Fsyncdir(body.object()?),
        Opcode::Statfs => Op::Statfs,
        Opcode::Syncfs => Op::Syncfs,
        Opcode::Fallocate => Op::Fallocate(body.object()?),
        Opcode::Lseek => Op::Lseek(body.object()?),
        Opcode::CopyFileRange => Op::CopyFileRange(body.object()?),
        Opcode::Setxattr => {
            let request: wire::SetxattrIn = body.object()?;
            let name = XattrName::new(body.text()?)?;
            let size = usize::try_from(request.size).map_err(|_| Errno::INVAL)?;
            Op::Setxattr(request, name, body.0.get(..size).ok_or(Errno::INVAL)?)
        }
        Opcode::Getxattr => Op::Getxattr(body.object()?, XattrName::new(body.text()?)?),
        Opcode::Listxattr => Op::Listxattr(body.object()?),
        Opcode::Removexattr => Op::Removexattr(XattrName::new(body.text()?)?),
        Opcode::Getlk => Op::Getlk(body.object()?),
        Opcode::Setlk => Op::Setlk(body.object()?),
        Opcode::Setlkw => Op::Setlkw(body.object()?),
    })
}

/// What is left of a request.
struct Body<'a>(&'a [u8]);

impl<'a> Body<'a> {
    fn object<T: ByteValued + Default>(&mut self) -> Result<T, Errno> {
        let (raw, rest) = self.0.split_at_checked(size_of::<T>()).ok_or(Errno::INVAL)?;
        let mut object = T::default();
        object.as_mut_slice().copy_from_slice(raw);
        self.0 = rest;
        Ok(object)
    }

    fn text(&mut self) -> Result<&'a CStr, Errno> {
        let text = CStr::from_bytes_until_nul(self.0).map_err(|_| Errno::INVAL)?;
        let used = text.to_bytes_with_nul().len();
        self.0 = self.0.get(used..).unwrap_or_default();
        Ok(text)
    }

    fn name(&mut self) -> Result<Name<'a>, Errno> {
        Name::new(self.text()?)
    }
}

#[cfg(test)]
#[path = "decode_test.rs"]
mod tests;
