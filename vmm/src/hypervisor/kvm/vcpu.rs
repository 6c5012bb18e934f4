//! A KVM vCPU: entering the guest and reading why it left.

#![expect(unsafe_code, reason = "reads and writes the union in the shared kvm_run page")]

use kvm_ioctls::{VcpuExit, VcpuFd};

use super::{
    failed,
    kick::{KickSlot, KvmKicker},
};
use crate::hypervisor::{Error, Vcpu, VmEntry, VmExit};

/// A port access under way: string instructions bring many elements in one exit.
#[derive(Clone, Copy)]
struct PortIo {
    port: u16,
    size: usize,
    count: usize,
    done: usize,
    offset: usize,
    read: bool,
}

/// What the guest waits for.
#[derive(Clone, Copy)]
enum Pending {
    Nothing,
    Io(PortIo),
    MmioRead { len: usize },
}

/// One KVM virtual CPU.
pub struct KvmVcpu {
    fd: VcpuFd,
    slot: KickSlot,
    pending: Pending,
}

impl KvmVcpu {
    pub(super) fn new(mut fd: VcpuFd) -> Self {
        let flag = &raw mut fd.get_kvm_run().immediate_exit;
        KvmVcpu { slot: KickSlot::new(flag), fd, pending: Pending::Nothing }
    }

    /// Gives the guest the answer to its last exit. `Some` is the next element of the same port
    /// access, which needs no entry into the guest.
    fn answer(&mut self, entry: VmEntry) -> Result<Option<VmExit>, Error> {
        match (self.pending, entry) {
            (Pending::Nothing, VmEntry::Resume) => Ok(None),
            (Pending::MmioRead { len }, VmEntry::Value(value)) => {
                // SAFETY: the last exit was an MMIO one, so this is the union's live field.
                let data = unsafe { &mut self.fd.get_kvm_run().__bindgen_anon_1.mmio.data };
                for (to, from) in data.iter_mut().zip(value.to_le_bytes()).take(len) {
                    *to = from;
                }
                self.pending = Pending::Nothing;
                Ok(None)
            }
            (Pending::Io(io), VmEntry::Value(value)) if io.read => {
                self.element(&io).copy_from_slice(&value.to_le_bytes()[..io.size]);
                Ok(self.next_element(PortIo { done: io.done + 1, ..io }))
            }
            (Pending::Io(io), VmEntry::Resume) if !io.read => {
                Ok(self.next_element(PortIo { done: io.done + 1, ..io }))
            }
            _ => Err(Error::WrongEntry),
        }
    }

    /// The bytes of element `io.done` in the shared page.
    fn element(&mut self, io: &PortIo) -> &mut [u8] {
        let page = std::ptr::from_mut(self.fd.get_kvm_run()).cast::<u8>();
        // SAFETY: KVM places `count * size` bytes at `offset` of the mapping, which is larger
        // than the structure; `done < count` wherever this is called.
        unsafe { std::slice::from_raw_parts_mut(page.add(io.offset + io.done * io.size), io.size) }
    }

    fn next_element(&mut self, io: PortIo) -> Option<VmExit> {
        if io.done >= io.count {
            self.pending = Pending::Nothing;
            return None;
        }
        self.pending = Pending::Io(io);
        let write = if io.read { None } else { Some(value(self.element(&io))) };
        #[expect(clippy::cast_possible_truncation, reason = "1, 2 or 4")]
        Some(VmExit::Io { port: io.port, size: io.size as u8, write })
    }

    /// Reads the port access that KVM has just reported.
    fn start_io(&mut self) -> Result<VmExit, Error> {
        // SAFETY: called only after KVM_EXIT_IO, when this is the union's live field.
        let io = unsafe { self.fd.get_kvm_run().__bindgen_anon_1.io };
        let size = usize::from(io.size);
        if !matches!(size, 1 | 2 | 4) {
            return Err(Error::Stuck(format!("port access of {size} bytes")));
        }
        let io = PortIo {
            port: io.port,
            size,
            count: usize::try_from(io.count).unwrap_or(0),
            done: 0,
            offset: usize::try_from(io.data_offset).unwrap_or(0),
            read: u32::from(io.direction) == kvm_bindings::KVM_EXIT_IO_IN,
        };
        Ok(self.next_element(io).unwrap_or(VmExit::Interrupted))
    }

    fn internal_error(&mut self) -> Error {
        // SAFETY: called only after KVM_EXIT_INTERNAL_ERROR, when this is the live field.
        let internal = unsafe { self.fd.get_kvm_run().__bindgen_anon_1.internal };
        let kind = match internal.suberror {
            1 => "KVM could not emulate an instruction",
            2 => "two exceptions at once",
            3 => "an event could not be delivered",
            4 => "unexpected exit reason",
            _ => "unknown kind",
        };
        let rip = self.fd.get_regs().map_or(0, |regs| regs.rip);
        Error::Stuck(format!(
            "KVM internal error {} ({kind}) at instruction {rip:#x}",
            internal.suberror
        ))
    }
}

/// Little-endian value of up to eight bytes.
fn value(bytes: &[u8]) -> u64 {
    bytes.iter().take(8).rev().fold(0, |value, byte| value << 8 | u64::from(*byte))
}

#[expect(clippy::cast_possible_truncation, reason = "KVM reports at most eight bytes")]
fn width(bytes: &[u8]) -> u8 {
    bytes.len().min(8) as u8
}

impl Vcpu for KvmVcpu {
    type Kicker = KvmKicker;

    fn attach(&mut self) -> Result<(), Error> {
        self.slot.bind()
    }

    fn run(&mut self, entry: VmEntry) -> Result<VmExit, Error> {
        if let Some(exit) = self.answer(entry)? {
            return Ok(exit);
        }
        match self.fd.run() {
            Ok(VcpuExit::IoIn(..) | VcpuExit::IoOut(..)) => self.start_io(),
            Ok(VcpuExit::MmioRead(address, data)) => {
                let (len, size) = (data.len(), width(data));
                self.pending = Pending::MmioRead { len };
                Ok(VmExit::Mmio { address, size, write: None })
            }
            Ok(VcpuExit::MmioWrite(address, data)) => {
                Ok(VmExit::Mmio { address, size: width(data), write: Some(value(data)) })
            }
            Ok(VcpuExit::Hlt) => Ok(VmExit::Halt),
            Ok(VcpuExit::Shutdown) => Ok(VmExit::Shutdown),
            Ok(VcpuExit::SystemEvent(kind, _)) => Ok(VmExit::SystemEvent { kind }),
            Ok(VcpuExit::Intr) => {
                self.slot.clear();
                Ok(VmExit::Interrupted)
            }
            Ok(VcpuExit::InternalError) => Err(self.internal_error()),
            Ok(VcpuExit::FailEntry(reason, cpu)) => Err(Error::Stuck(format!(
                "host processor {cpu} refused to enter the guest (hardware reason {reason:#x})"
            ))),
            Ok(VcpuExit::MemoryFault { gpa, size, .. }) => Err(Error::Stuck(format!(
                "guest memory at {gpa:#x} ({size} bytes) could not be provided"
            ))),
            Ok(other) => Err(Error::Stuck(format!("unexpected exit {other:?}"))),
            // EAGAIN: a secondary CPU was woken without having anything to do yet.
            Err(error) if matches!(error.errno(), libc::EINTR | libc::EAGAIN) => {
                self.slot.clear();
                Ok(VmExit::Interrupted)
            }
            Err(error) => Err(failed("KVM_RUN")(error)),
        }
    }

    fn kicker(&self) -> KvmKicker {
        self.slot.kicker()
    }
}

impl Drop for KvmVcpu {
    fn drop(&mut self) {
        self.slot.disarm();
    }
}
