//! The register window.

use std::sync::{Arc, Mutex, PoisonError};

use super::guest::memory;
use super::input::Input;
use crate::device::{ActivateError, Activation, ActiveQueue, VirtioDevice};
use crate::event::Event;
use crate::queue::features;
use crate::transport::mmio::MmioTransport;

const STATUS: u64 = 0x70;
/// `DRIVER_OK` and `DEVICE_NEEDS_RESET`.
const DRIVER_OK: u8 = 4;
const NEEDS_RESET: u8 = 64;
/// Accesses in one input.
const MAX_STEPS: usize = 4096;

#[derive(Default)]
struct Running(Mutex<Option<Activation>>);

/// A device without a thread: its queues are worked through when the input says so.
struct Still(Arc<Running>);

impl Running {
    fn with<T>(&self, f: impl FnOnce(&mut Option<Activation>) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn work(&self) {
        self.with(|running| {
            let Some(activation) = running else {
                return;
            };
            for active in &mut activation.queues {
                let queue = &mut active.queue;
                let memory = &activation.memory;
                assert!(queue.broken().is_some() || queue.validate(memory).is_ok());
                for _ in 0..queue.size() {
                    let Ok(Some(chain)) = queue.pop(memory) else {
                        break;
                    };
                    let _ = queue.push(memory, chain.head(), 0);
                }
                match queue.should_interrupt(memory) {
                    Ok(true) => activation.interrupt.queue(active.index),
                    Ok(false) => {}
                    Err(_) => activation.interrupt.needs_reset(),
                }
            }
        });
    }
}

impl VirtioDevice for Still {
    fn device_type(&self) -> u32 {
        63
    }

    fn queue_sizes(&self) -> &[u16] {
        &[8, 256]
    }

    fn features(&self) -> u64 {
        features::ALL | 3
    }

    fn read_config(&self, offset: u64, data: &mut [u8]) {
        crate::device::read_config_bytes(&[1, 2, 3, 4, 5, 6, 7, 8], offset, data);
    }

    fn activate(&mut self, activation: Activation) -> Result<(), ActivateError> {
        assert_eq!(activation.features & !self.features(), 0);
        assert_ne!(activation.features & features::VERSION_1, 0);
        let before = self.0.with(|running| running.replace(activation));
        assert!(before.is_none(), "activated twice");
        Ok(())
    }

    fn reset(&mut self) -> Vec<ActiveQueue> {
        let running = self.0.with(Option::take);
        running.map_or_else(Vec::new, |activation| activation.queues)
    }
}

/// Accesses to the window from raw bytes. Each is four bytes and a value:
///
/// | byte | meaning                                                                 |
/// |------|-------------------------------------------------------------------------|
/// | 0    | 0: write, 1: read, 2: the device works, 3: 8 bytes; modulo 4            |
/// | 1    | length of an access of kind 3, modulo 9                                 |
/// | 2-3  | offset                                                                  |
/// | 4-7  | value                                                                   |
///
/// Guest memory holds the input as well.
pub fn fuzz_mmio(data: &[u8]) {
    let Some(memory) = memory(data) else {
        return;
    };
    let running = Arc::new(Running::default());
    let device = Box::new(Still(running.clone()));
    let Ok(irq) = Event::new() else {
        return;
    };
    let Ok(mut window) = MmioTransport::new(device, memory, irq) else {
        return;
    };
    let mut input = Input(data);
    for _ in 0..MAX_STEPS {
        if input.is_empty() {
            break;
        }
        let (kind, length) = (input.byte() % 4, usize::from(input.byte() % 9));
        let offset = u64::from(input.half());
        let value = input.word().to_le_bytes();
        let mut long = [value, value].concat();
        match kind {
            0 => window.write(offset, &value),
            1 => window.read(offset, &mut long[..4]),
            2 => running.work(),
            _ if value[0] & 1 == 0 => window.write(offset, &long[..length.min(8)]),
            _ => window.read(offset, &mut long[..length.min(8)]),
        }
        check(&mut window, &running);
    }
    window.stop();
    assert!(running.with(|running| running.is_none()));
}

/// The status is one of the table, and the device runs exactly when it says so.
fn check(window: &mut MmioTransport, running: &Running) {
    let mut status = [0; 4];
    window.read(STATUS, &mut status);
    let [status, 0, 0, 0] = status else {
        panic!("a status of more than eight bits");
    };
    let driver = status & 0x0f;
    assert!([0, 1, 3, 11, 15].contains(&driver), "status {status:#x}");
    let runs = running.with(|running| running.is_some());
    assert!(!runs || status & DRIVER_OK != 0, "runs in {status:#x}");
    let must = status & (DRIVER_OK | NEEDS_RESET) == DRIVER_OK;
    assert!(runs || !must, "does not run in {status:#x}");
}
