//! The keyboard controller's reset line, for kernels told `reboot=k`. There is no keyboard.

use crate::bus::{Action, BusDevice};

/// First port: data.
pub const PORT: u16 = 0x60;
/// Ports from data to command.
pub const PORTS: u16 = 5;

const COMMAND: u64 = 4;
const RESET_CPU: u8 = 0xfe;

/// The controller.
pub struct I8042;

impl BusDevice for I8042 {
    /// Both buffers are always empty.
    fn read(&mut self, _offset: u64, data: &mut [u8]) {
        data.fill(0);
    }

    fn write(&mut self, offset: u64, data: &[u8]) -> Action {
        if offset == COMMAND && data.first() == Some(&RESET_CPU) {
            Action::Reset
        } else {
            Action::None
        }
    }
}
