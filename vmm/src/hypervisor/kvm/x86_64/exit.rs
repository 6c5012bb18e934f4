//! Exits that only x86-64 has: accesses to I/O ports, and instructions that KVM fails to emulate.

#![expect(unsafe_code, reason = "reads and writes the union in the shared kvm_run page")]

use kvm_bindings::{KVM_EXIT_INTERNAL_ERROR, KVM_EXIT_IO, KVM_EXIT_IO_IN};
use kvm_ioctls::VcpuFd;

use crate::hypervisor::kvm::vcpu::value;
use crate::hypervisor::{Error, VmEntry, VmExit};

/// A port access under way: string instructions bring many elements in one exit.
#[derive(Clone, Copy)]
pub(in super::super) struct Access {
    port: u16,
    size: usize,
    count: usize,
    done: usize,
    offset: usize,
    read: bool,
}

/// What the exit that `fd` has just made means, and the access that it starts.
pub(in super::super) fn exit(fd: &mut VcpuFd) -> Result<(VmExit, Option<Access>), Error> {
    match fd.get_kvm_run().exit_reason {
        KVM_EXIT_IO => {
            // SAFETY: after this exit it is the union's live field.
            let io = unsafe { fd.get_kvm_run().__bindgen_anon_1.io };
            let size = usize::from(io.size);
            if !matches!(size, 1 | 2 | 4) {
                return Err(Error::Stuck(format!("port access of {size} bytes")));
            }
            let access = Access {
                port: io.port,
                size,
                count: usize::try_from(io.count).unwrap_or(0),
                done: 0,
                offset: usize::try_from(io.data_offset).unwrap_or(0),
                read: u32::from(io.direction) == KVM_EXIT_IO_IN,
            };
            Ok(match access.element_exit(fd) {
                Some((exit, access)) => (exit, Some(access)),
                None => (VmExit::Interrupted, None),
            })
        }
        KVM_EXIT_INTERNAL_ERROR => Err(internal_error(fd)),
        other => Err(Error::Stuck(format!("unexpected exit {other}"))),
    }
}

impl Access {
    /// Gives the guest the answer to one element. `Some` is the next of the same access.
    pub(in super::super) fn answer(
        self,
        fd: &mut VcpuFd,
        entry: VmEntry,
    ) -> Result<Option<(VmExit, Access)>, Error> {
        match (self.read, entry) {
            (true, VmEntry::Value(value)) => {
                self.element(fd).copy_from_slice(&value.to_le_bytes()[..self.size]);
            }
            (false, VmEntry::Resume) => {}
            _ => return Err(Error::WrongEntry),
        }
        Ok(Access { done: self.done + 1, ..self }.element_exit(fd))
    }

    /// The bytes of the element that it is at, in the shared page.
    fn element<'a>(&self, fd: &'a mut VcpuFd) -> &'a mut [u8] {
        let page = std::ptr::from_mut(fd.get_kvm_run()).cast::<u8>();
        let at = self.offset + self.done * self.size;
        // SAFETY: KVM places `count * size` bytes at `offset` of the mapping, which is larger
        // than the structure; `done < count` wherever this is called.
        unsafe { std::slice::from_raw_parts_mut(page.add(at), self.size) }
    }

    /// The element that it is at, as an exit of its own; `None` after the last.
    fn element_exit(self, fd: &mut VcpuFd) -> Option<(VmExit, Access)> {
        if self.done >= self.count {
            return None;
        }
        let write = if self.read { None } else { Some(value(self.element(fd))) };
        #[expect(clippy::cast_possible_truncation, reason = "1, 2 or 4")]
        Some((VmExit::Io { port: self.port, size: self.size as u8, write }, self))
    }
}

fn internal_error(fd: &mut VcpuFd) -> Error {
    // SAFETY: called only after KVM_EXIT_INTERNAL_ERROR, when this is the live field.
    let internal = unsafe { fd.get_kvm_run().__bindgen_anon_1.internal };
    let kind = match internal.suberror {
        1 => "KVM could not emulate an instruction",
        2 => "two exceptions at once",
        3 => "an event could not be delivered",
        4 => "unexpected exit reason",
        _ => "unknown kind",
    };
    let rip = fd.get_regs().map_or(0, |regs| regs.rip);
    Error::Stuck(format!(
        "KVM internal error {} ({kind}) at instruction {rip:#x}",
        internal.suberror
    ))
}
