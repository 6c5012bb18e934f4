//! Power off and reset: the ports that the ACPI tables name (ACPI 6.5, 4.8.3.7 and 4.8.4.6).

use crate::bus::{Action, BusDevice};

/// First port.
pub const PORT: u16 = 0x600;
/// Number of ports.
pub const PORTS: u16 = 3;
/// Sleep control register.
pub const SLEEP_CONTROL: u16 = PORT;
/// Sleep status register.
pub const SLEEP_STATUS: u16 = PORT + 1;
/// Reset register.
pub const RESET: u16 = PORT + 2;
/// What resets when written to [`RESET`].
pub const RESET_VALUE: u8 = 1;
/// Sleep type of the soft-off state S5.
pub const SLEEP_TYPE_OFF: u8 = 5;

const SLEEP_ENABLE: u8 = 1 << 5;

/// The three registers; they hold nothing.
pub struct Power;

impl BusDevice for Power {
    fn read(&mut self, _offset: u64, data: &mut [u8]) {
        data.fill(0);
    }

    fn write(&mut self, offset: u64, data: &[u8]) -> Action {
        let Some(&value) = data.first() else {
            return Action::None;
        };
        let off = SLEEP_TYPE_OFF << 2 | SLEEP_ENABLE;
        if offset == u64::from(SLEEP_CONTROL - PORT) && value == off {
            Action::PowerOff
        } else if offset == u64::from(RESET - PORT) && value == RESET_VALUE {
            Action::Reset
        } else {
            Action::None
        }
    }
}

#[cfg(test)]
#[path = "power_test.rs"]
mod tests;
