//! A KVM vCPU: entering the guest and reading why it left.

#![expect(unsafe_code, reason = "reads and writes the union in the shared kvm_run page")]

use kvm_ioctls::{VcpuExit, VcpuFd};

use super::kick::{KickSlot, KvmKicker};
use super::{failed, native};
use crate::hypervisor::{Error, Vcpu, VmEntry, VmExit};
use native::Access;

/// What the guest waits for.
#[derive(Clone, Copy)]
enum Pending {
    Nothing,
    MmioRead {
        len: usize,
    },
    /// Something that only this architecture has.
    Native(Access),
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

    /// Gives the guest the answer to its last exit. `Some` is the next part of the same access,
    /// which needs no entry into the guest.
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
            (Pending::Native(access), entry) => {
                let next = access.answer(&mut self.fd, entry)?;
                self.pending = next.map_or(Pending::Nothing, |(_, access)| Pending::Native(access));
                Ok(next.map(|(exit, _)| exit))
            }
            _ => Err(Error::WrongEntry),
        }
    }

    /// What the exit just made means, where only this architecture has it.
    fn native(&mut self) -> Result<VmExit, Error> {
        let (exit, access) = native::exit(&mut self.fd)?;
        self.pending = access.map_or(Pending::Nothing, Pending::Native);
        Ok(exit)
    }
}

/// Little-endian value of up to eight bytes.
pub(super) fn value(bytes: &[u8]) -> u64 {
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
            Ok(VcpuExit::FailEntry(reason, cpu)) => Err(Error::Stuck(format!(
                "host processor {cpu} refused to enter the guest (hardware reason {reason:#x})"
            ))),
            Ok(VcpuExit::MemoryFault { gpa, size, .. }) => Err(Error::Stuck(format!(
                "guest memory at {gpa:#x} ({size} bytes) could not be provided"
            ))),
            Ok(_) => self.native(),
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
