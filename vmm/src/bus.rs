//! Port and memory accesses find their device here.
//!
//! A device answers a write with an [`Action`] for the machine; it holds no pointer to the
//! machine. The bus does not change while the machine runs, so that a vCPU takes one lock only:
//! that of the device it talks to.

use std::sync::{Mutex, PoisonError};

/// What a write asks of the machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Action {
    /// Nothing.
    #[default]
    None,
    /// End: the guest powered off.
    PowerOff,
    /// End: the guest asked for a reset.
    Reset,
    /// End: the guest's kernel says that it panicked.
    Panicked,
}

/// A device on a bus. Offsets are relative to its range and inside it; `data` has 1 to 8 bytes
/// and may reach past the range's end.
pub trait BusDevice: Send {
    /// Reads; `data` is all ones before.
    fn read(&mut self, offset: u64, data: &mut [u8]);

    /// Writes.
    fn write(&mut self, offset: u64, data: &[u8]) -> Action;

    /// The machine has stopped: no vCPU runs any more. Gives up what runs in the background, and
    /// may have a line to say about what went wrong.
    fn quiesce(&mut self) -> Option<String> {
        None
    }
}

/// Two devices want the same addresses, or a range wraps around.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the device at {start:#x} with {size:#x} bytes overlaps another or does not fit")]
pub struct Overlap {
    /// First address.
    pub start: u64,
    /// Bytes.
    pub size: u64,
}

struct Slot {
    start: u64,
    /// Last address, inclusive.
    last: u64,
    device: Mutex<Box<dyn BusDevice>>,
}

/// One address space of devices: ports, or memory.
#[derive(Default)]
pub struct Bus {
    /// Sorted by address, without overlap.
    slots: Vec<Slot>,
}

impl Bus {
    /// Puts `device` at `start`, `size` bytes long.
    ///
    /// # Errors
    /// [`Overlap`].
    pub fn add(
        &mut self,
        start: u64,
        size: u64,
        device: Box<dyn BusDevice>,
    ) -> Result<(), Overlap> {
        let overlap = Overlap { start, size };
        let last = size.checked_sub(1).and_then(|rest| start.checked_add(rest)).ok_or(overlap)?;
        let at = self.slots.partition_point(|slot| slot.last < start);
        if self.slots.get(at).is_some_and(|next| next.start <= last) {
            return Err(overlap);
        }
        self.slots.insert(at, Slot { start, last, device: Mutex::new(device) });
        Ok(())
    }

    /// Reads `size` bytes (1 to 8) at `address`, little-endian; all ones where there is nothing.
    #[must_use]
    pub fn read(&self, address: u64, size: u8) -> u64 {
        let mut data = [0xff; 8];
        let width = usize::from(size.clamp(1, 8));
        if let Some(slot) = self.find(address) {
            slot.lock().read(address - slot.start, &mut data[..width]);
        }
        data[width..].fill(0);
        u64::from_le_bytes(data)
    }

    /// Writes the low `size` bytes (1 to 8) of `value` at `address`; nothing happens where there
    /// is nothing.
    pub fn write(&self, address: u64, size: u8, value: u64) -> Action {
        let data = value.to_le_bytes();
        match self.find(address) {
            Some(slot) => {
                slot.lock().write(address - slot.start, &data[..usize::from(size.clamp(1, 8))])
            }
            None => Action::None,
        }
    }

    /// Tells every device that the machine has stopped; answers what they have to say.
    pub fn quiesce(&self) -> Vec<String> {
        self.slots.iter().filter_map(|slot| slot.lock().quiesce()).collect()
    }

    fn find(&self, address: u64) -> Option<&Slot> {
        let at = self.slots.partition_point(|slot| slot.last < address);
        self.slots.get(at).filter(|slot| slot.start <= address)
    }
}

impl Slot {
    fn lock(&self) -> std::sync::MutexGuard<'_, Box<dyn BusDevice>> {
        self.device.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[path = "bus_test.rs"]
mod tests;
