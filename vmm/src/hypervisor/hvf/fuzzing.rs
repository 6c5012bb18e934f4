//! Entry for fuzzing: a vCPU whose exits and registers are raw bytes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::binding::{Binding, Clock, Cpu, GicPlace, RawExit, Refusal, Reg, SysReg};
use super::{Error, Hvf};
use crate::arch::VcpuInit;
use crate::arch::aarch64::BootEntry;
use crate::hypervisor::{self, Hypervisor, Vcpu, Vm, VmEntry, VmExit};

/// Bytes of one exit: reason, class, x0's kind and index, syndrome, two addresses, PC, x0.
const EXIT: usize = 44;
/// `CPU_OFF`: an only vCPU that is off waits for ever, as it should.
const CPU_OFF: u64 = 0x8400_0002;

/// Exits to come, in order.
#[derive(Clone)]
struct Script(Arc<Mutex<Vec<u8>>>);

impl Script {
    fn next(&self) -> Option<[u8; EXIT]> {
        let mut bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let exit = bytes.first_chunk().copied()?;
        bytes.drain(..EXIT);
        Some(exit)
    }
}

/// A vCPU that plays the script.
struct Player {
    script: Script,
    registers: HashMap<Reg, u64>,
    system: HashMap<SysReg, u64>,
}

impl Binding for Script {
    type Cpu = Player;

    fn available(&self) -> Result<(), Error> {
        Ok(())
    }

    fn max_ipa_bits(&self) -> Result<u32, Refusal> {
        Ok(36)
    }

    fn max_cpus(&self) -> Result<u32, Refusal> {
        Ok(1)
    }

    fn vm_create(&self, _ipa_bits: u32) -> Result<(), Refusal> {
        Ok(())
    }

    fn vm_destroy(&self) {}

    fn gic_create(&self, _place: GicPlace) -> Result<(), Refusal> {
        Ok(())
    }

    fn gic_spis(&self) -> Result<(u32, u32), Refusal> {
        Ok((32, 64))
    }

    fn gic_set_spi(&self, _intid: u32, _level: bool) -> Result<(), Refusal> {
        Ok(())
    }

    #[expect(unsafe_code, reason = "the trait says so; nothing is written there")]
    unsafe fn vm_map(&self, _host: *mut u8, _guest: u64, _size: usize) -> Result<(), Refusal> {
        Ok(())
    }

    fn cpu_create(&self) -> Result<Player, Refusal> {
        let (registers, system) = (HashMap::new(), HashMap::new());
        Ok(Player { script: self.clone(), registers, system })
    }

    fn cpu_exit(&self, _handle: u64) -> Result<(), Refusal> {
        Ok(())
    }

    fn clock(&self) -> Clock {
        Clock { now: 1, nanoseconds: (0, 0) }
    }
}

impl Cpu for Player {
    fn handle(&self) -> u64 {
        0
    }

    fn run(&mut self) -> Result<RawExit, Refusal> {
        let Some(bytes) = self.script.next() else {
            return Err(Refusal::NO_RESOURCES);
        };
        let number = |at: usize| {
            bytes
                .get(at..at + 8)
                .and_then(|bytes| bytes.try_into().ok())
                .map_or(0, u64::from_le_bytes)
        };
        let function = match bytes[2] % 4 {
            0 => 0x8400_0000 | u64::from(bytes[3] & 0x1f),
            1 => 0xc400_0000 | u64::from(bytes[3] & 0x1f),
            2 => 0x8000_0000 | u64::from(bytes[3] & 1),
            _ => number(36),
        };
        let x0 = if function & 0xffff_ffff == CPU_OFF { 0 } else { function };
        self.registers.insert(Reg::X(0), x0);
        self.registers.insert(Reg::Pc, number(28));
        // A timer that fires at once: nothing here is to sleep.
        self.system.insert(SysReg::CntvCtlEl0, 1);
        self.system.insert(SysReg::CntvCvalEl0, 0);
        Ok(RawExit {
            reason: u32::from(bytes[0] % 8),
            syndrome: u64::from(bytes[1] & 0x3f) << 26 | number(4) & 0x3ff_ffff,
            virtual_address: number(12),
            physical_address: number(20),
        })
    }

    fn reg(&self, reg: Reg) -> Result<u64, Refusal> {
        assert!(!matches!(reg, Reg::X(31..)), "no such register");
        Ok(self.registers.get(&reg).copied().unwrap_or(0))
    }

    fn set_reg(&mut self, reg: Reg, value: u64) -> Result<(), Refusal> {
        assert!(!matches!(reg, Reg::X(31..)), "no such register");
        self.registers.insert(reg, value);
        Ok(())
    }

    fn sys_reg(&self, reg: SysReg) -> Result<u64, Refusal> {
        Ok(self.system.get(&reg).copied().unwrap_or(0))
    }

    fn set_sys_reg(&mut self, reg: SysReg, value: u64) -> Result<(), Refusal> {
        self.system.insert(reg, value);
        Ok(())
    }

    fn set_vtimer_mask(&mut self, _masked: bool) -> Result<(), Refusal> {
        Ok(())
    }

    fn set_vtimer_offset(&mut self, _offset: u64) -> Result<(), Refusal> {
        Ok(())
    }

    fn pend_private(&mut self, _interrupts: u32) -> Result<(), Refusal> {
        Ok(())
    }
}

/// Plays `data` as the exits of a vCPU, 44 bytes each. What the guest cannot do is an error of
/// its own; nothing panics, and the loop ends with the data.
pub fn fuzz_exits(data: &[u8]) {
    let script = Script(Arc::new(Mutex::new(data.to_vec())));
    let Ok(mut vcpu) = Hvf::new(script.clone()).and_then(|hvf| {
        let vm = hvf.create_vm(1)?;
        let entry = BootEntry { address: 0, device_tree: 0 };
        let mut vcpu = vm.create_vcpu(&VcpuInit { id: 0, cpus: 1, entry: Some(entry) })?;
        vcpu.attach()?;
        Ok(vcpu)
    }) else {
        return;
    };
    let mut entry = VmEntry::Resume;
    loop {
        entry = match vcpu.run(entry) {
            Ok(VmExit::Mmio { size, write, .. }) => {
                assert!(matches!(size, 1 | 2 | 4 | 8));
                let mask = u64::MAX >> (64 - 8 * u32::from(size));
                assert_eq!(write.unwrap_or(0) & !mask, 0, "more bytes than were stored");
                if write.is_some() { VmEntry::Resume } else { VmEntry::Value(u64::MAX) }
            }
            Ok(_) | Err(hypervisor::Error::Stuck(_)) => VmEntry::Resume,
            Err(error) => {
                assert!(matches!(error, hypervisor::Error::Hvf(Error::NoResources)), "{error}");
                return;
            }
        };
    }
}

#[cfg(test)]
#[path = "fuzzing_test.rs"]
mod tests;
