//! Virtio devices behind their MMIO windows.

use std::sync::Arc;

use virtio_devices::balloon::Balloon;
use virtio_devices::blk::Blk;
use virtio_devices::device::VirtioDevice;
use virtio_devices::rng::Rng;
use virtio_devices::transport::mmio::{MmioTransport, QUEUE_NOTIFY, WINDOW_SIZE};

use super::Watch;
use crate::arch::Arch;
use crate::bus::{Action, Bus, BusDevice};
use crate::hypervisor::Vm;
use crate::machine::{Error, MachineSpec};
use crate::{Memory, sys};

/// A device and its name for messages.
pub(super) struct Named {
    name: String,
    device: Box<dyn VirtioDevice>,
}

/// The devices that `spec` asks for, disks first.
pub(super) fn make(spec: &mut MachineSpec) -> Result<(Vec<Named>, Vec<Watch>), Error> {
    let mut devices = Vec::new();
    let mut watches = Vec::new();
    let mut add =
        |name: String, device: Box<dyn VirtioDevice>| devices.push(Named { name, device });
    for (number, file) in spec.disks.drain(..).enumerate() {
        let name = format!("disk {number}");
        let disk = Blk::new(file).map_err(failed(&name))?;
        add(name, Box::new(disk));
    }
    for spec in spec.vhost_user.drain(..) {
        let name = spec.name.clone();
        let (device, socket) = sys::vhost_user(spec)?;
        watches.push(Watch { name: name.clone(), socket });
        add(name, device);
    }
    for (name, device) in spec.local.drain(..) {
        add(name, device);
    }
    if spec.rng {
        add("entropy".to_owned(), Box::new(Rng::new()));
    }
    if spec.balloon {
        add("balloon".to_owned(), Box::new(Balloon::new()));
    }
    Ok((devices, watches))
}

/// Names the device of a failure.
fn failed<E: std::error::Error + Send + Sync + 'static>(name: &str) -> impl Fn(E) -> Error {
    move |source| Error::Device { name: name.to_owned(), source: Box::new(source) }
}

/// Gives each device its window, its doorbells and its interrupt line.
pub(super) fn place<V: Vm>(
    vm: &V,
    memory: &Arc<Memory>,
    bus: &mut Bus,
    devices: Vec<Named>,
) -> Result<Vec<(u64, u32)>, Error> {
    let count = devices.len();
    let mut slots = Vec::with_capacity(count);
    for (index, Named { name, device }) in devices.into_iter().enumerate() {
        let (address, gsi) = V::Arch::virtio_slot(index).ok_or(Error::TooManyDevices(count))?;
        let interrupt = vm.interrupt(gsi)?;
        let transport =
            MmioTransport::new(device, Arc::clone(memory), interrupt).map_err(failed(&name))?;
        for (queue, doorbell) in (0u32..).zip(transport.doorbells()) {
            // Where the hypervisor cannot, the write comes to the window, which rings.
            vm.add_doorbell(address + QUEUE_NOTIFY, queue, doorbell)?;
        }
        bus.add(address, WINDOW_SIZE, Box::new(Window { name, transport }))?;
        slots.push((address, gsi));
    }
    Ok(slots)
}

/// A transport on the bus.
struct Window {
    name: String,
    transport: MmioTransport,
}

impl BusDevice for Window {
    fn read(&mut self, offset: u64, data: &mut [u8]) {
        self.transport.read(offset, data);
    }

    fn write(&mut self, offset: u64, data: &[u8]) -> Action {
        self.transport.write(offset, data);
        Action::None
    }

    fn quiesce(&mut self) -> Option<String> {
        let name = &self.name;
        // Stopping is a reset, after which nothing is known of this.
        let (failure, broken) = (self.transport.take_failure(), self.transport.needs_reset());
        self.transport.stop();
        if let Some(failure) = failure {
            return Some(format!("the {name} device did not start: {}", with_causes(&failure)));
        }
        if broken {
            return Some(format!(
                "the {name} device stopped: its driver broke a queue, or the host failed it"
            ));
        }
        self.transport
            .first_refusal()
            .map(|refusal| format!("the {name} device refused an access: {refusal}"))
    }
}

/// An error and what it came from, in one line.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
