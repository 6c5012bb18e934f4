//! A machine of Hypervisor.framework: memory, interrupt controller, lines.

use std::sync::Arc;

use virtio_devices::event::Event;
use virtio_devices::transport::mmio::IrqTrigger;
use vm_memory::{Address, GuestMemoryBackend, GuestMemoryRegion};

use super::binding::{Binding, GicPlace, PAGE};
use super::board::Board;
use super::error::failed;
use super::psci::Start;
use super::{Error, HvfVcpu};
use crate::Memory;
use crate::arch::aarch64::{BootEntry, layout};
use crate::arch::{Aarch64, VcpuInit};
use crate::hypervisor::{self, Hypervisor, Vm};

/// Hypervisor.framework, by its real binding or another.
pub struct Hvf<B> {
    binding: B,
}

impl<B: Binding> Hvf<B> {
    /// Asks whether this system has all that a machine needs.
    ///
    /// # Errors
    /// [`Error::OldSystem`], [`Error::Unsupported`].
    pub fn new(binding: B) -> Result<Self, hypervisor::Error> {
        binding.available()?;
        Ok(Hvf { binding })
    }
}

impl<B: Binding> Hypervisor for Hvf<B> {
    type Vm = HvfVm<B>;

    fn create_vm(&self, cpus: u8) -> Result<HvfVm<B>, hypervisor::Error> {
        HvfVm::new(self.binding.clone(), cpus)
    }
}

/// The one machine of this process.
pub struct HvfVm<B: Binding> {
    board: Arc<Board<B>>,
    ipa_bits: u32,
    /// First shared interrupt of the controller, and how many there are.
    spis: (u32, u32),
    /// Kept mapped while the machine uses it: `drop` ends the machine first.
    memory: Option<Arc<Memory>>,
}

impl<B: Binding> HvfVm<B> {
    fn new(binding: B, cpus: u8) -> Result<Self, hypervisor::Error> {
        let limit = binding.max_cpus().map_err(failed("hv_vm_get_max_vcpu_count"))?;
        if u32::from(cpus) > limit {
            return Err(Error::TooManyCpus { wanted: cpus, limit }.into());
        }
        let ipa_bits = binding.max_ipa_bits().map_err(failed("hv_vm_config_get_max_ipa_size"))?;
        binding.vm_create(ipa_bits).map_err(failed("hv_vm_create"))?;
        // From here on, dropping it ends it.
        let mut vm =
            HvfVm { board: Board::new(binding, cpus), ipa_bits, spis: (0, 0), memory: None };
        let place = GicPlace {
            distributor: layout::GIC_DISTRIBUTOR,
            redistributors: layout::GIC_REDISTRIBUTORS,
        };
        let binding = &vm.board.binding;
        binding.gic_create(place).map_err(failed("hv_gic_create"))?;
        vm.spis = binding.gic_spis().map_err(failed("hv_gic_get_spi_interrupt_range"))?;
        Ok(vm)
    }

    /// Whether a guest of this processor can have `length` bytes of memory from `start`.
    fn check(&self, start: u64, length: u64) -> Result<(), hypervisor::Error> {
        let limit = 1u64.checked_shl(self.ipa_bits).unwrap_or(u64::MAX);
        if start.saturating_add(length) > limit {
            let limit_mib = limit.saturating_sub(start) >> 20;
            Err(hypervisor::Error::AddressSpace { bits: self.ipa_bits, limit_mib })
        } else if length % PAGE != 0 || start % PAGE != 0 {
            Err(Error::MemoryUneven(length).into())
        } else {
            Ok(())
        }
    }
}

impl<B: Binding> Vm for HvfVm<B> {
    type Vcpu = HvfVcpu<B>;
    type Arch = Aarch64;

    fn map_memory(&mut self, memory: Arc<Memory>) -> Result<(), hypervisor::Error> {
        for region in memory.iter() {
            self.check(region.start_addr().raw_value(), region.len())?;
        }
        let mut bounds: Option<(u64, u64)> = None;
        for region in memory.iter() {
            let (start, length) = (region.start_addr().raw_value(), region.len());
            let size = usize::try_from(length).map_err(|_| Error::MemoryUneven(length))?;
            #[expect(unsafe_code, reason = "hands guest memory's address to the framework")]
            // SAFETY: the range is mapped for as long as `memory` lives, and `self` holds it
            // until after the machine's end.
            unsafe { self.board.binding.vm_map(region.as_ptr(), start, size) }
                .map_err(failed("hv_vm_map"))?;
            let (first, _) = bounds.unwrap_or((start, 0));
            bounds = Some((first, start + length));
        }
        let (start, end) = bounds.unwrap_or((0, 0));
        self.board.set_memory(start, end);
        self.memory = Some(memory);
        Ok(())
    }

    fn create_vcpu(&self, init: &VcpuInit<BootEntry>) -> Result<HvfVcpu<B>, hypervisor::Error> {
        if let Some(BootEntry { address, device_tree }) = init.entry {
            self.board.switch_on(init.id, Start { address, context: device_tree });
        }
        Ok(HvfVcpu::new(Arc::clone(&self.board), init.id, self.ipa_bits))
    }

    /// The framework has nothing of the kind: the vCPU's thread rings the device.
    fn add_doorbell(&self, _: u64, _: u32, _: &Event) -> Result<bool, hypervisor::Error> {
        Ok(false)
    }

    fn interrupt(&self, line: u32) -> Result<Box<dyn IrqTrigger>, hypervisor::Error> {
        let (first, count) = self.spis;
        let intid = line
            .checked_add(layout::SPI_BASE)
            .filter(|intid| intid.checked_sub(first).is_some_and(|index| index < count))
            .ok_or(Error::NoLine(line))?;
        Ok(Box::new(Line { board: Arc::clone(&self.board), intid }))
    }
}

impl<B: Binding> Drop for HvfVm<B> {
    fn drop(&mut self) {
        self.board.binding.vm_destroy();
    }
}

/// An interrupt line that only this process can raise.
struct Line<B: Binding> {
    board: Arc<Board<B>>,
    intid: u32,
}

impl<B: Binding> IrqTrigger for Line<B> {
    /// A pulse. Guests set these lines up as edges, for which the controller ignores the fall;
    /// for one that they did not set up yet, the fall keeps it from firing for ever.
    fn trigger(&self) {
        // A refusal means that the machine has ended.
        for level in [true, false] {
            let _ = self.board.binding.gic_set_spi(self.intid, level);
        }
        self.board.raised();
    }
}

#[cfg(test)]
#[path = "vm_test.rs"]
mod tests;
