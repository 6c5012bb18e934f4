//! PL031 real-time clock (Arm DDI 0224): the host's time in seconds. The register model is
//! vm-superio's. There is no alarm.

use crate::bus::{Action, BusDevice};

/// Length of its registers in bytes.
pub const SIZE: u64 = 0x1000;

/// The clock.
#[derive(Default)]
pub struct Rtc(vm_superio::Rtc<vm_superio::rtc_pl031::NoEvents>);

impl BusDevice for Rtc {
    /// Registers have four bytes; any width is answered.
    fn read(&mut self, offset: u64, data: &mut [u8]) {
        let mut value = [0; 4];
        if let Ok(register) = u16::try_from(offset & !3) {
            self.0.read(register, &mut value);
        }
        let within = usize::try_from(offset & 3).unwrap_or(0);
        for (at, byte) in (within..).zip(data) {
            *byte = value.get(at).copied().unwrap_or(0);
        }
    }

    fn write(&mut self, offset: u64, data: &[u8]) -> Action {
        if let (Ok(register), Ok(value)) = (u16::try_from(offset), data.try_into()) {
            self.0.write(register, value);
        }
        Action::None
    }
}

#[cfg(test)]
#[path = "rtc_test.rs"]
mod tests;
