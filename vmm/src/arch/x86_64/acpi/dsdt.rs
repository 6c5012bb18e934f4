//! The DSDT: what devices there are, in AML.

use acpi_tables::Aml;
use acpi_tables::aml::{
    Device, EISAName, IO, Interrupt, Memory32Fixed, Name, Package, Path, ResourceTemplate,
};
use acpi_tables::sdt::Sdt;

use super::{Description, Error, OEM, REVISION, TABLE};
use crate::arch::x86_64::layout;
use crate::legacy::{power, pvpanic, serial};

pub(super) fn table(description: &Description) -> Result<Sdt, Error> {
    let mut body = Vec::new();
    com1(&mut body);
    panic_port(&mut body);
    for (index, &(address, gsi)) in description.virtio.iter().enumerate() {
        virtio(&mut body, index, u32::try_from(address).map_err(|_| Error::TooLarge)?, gsi);
    }
    sleep_state(&mut body);
    let mut table = Sdt::new(*b"DSDT", 36, 2, OEM, TABLE, REVISION);
    table.append_slice(&body);
    Ok(table)
}

/// The serial port of the early log.
fn com1(body: &mut Vec<u8>) {
    let io = IO::new(serial::PORT, serial::PORT, 1, serial::PORTS);
    let interrupt = edge(layout::SERIAL_GSI);
    Device::new(
        "_SB_.COM1".into(),
        vec![
            &Name::new("_HID".into(), &EISAName::new("PNP0501")),
            &Name::new("_UID".into(), &0u8),
            &Name::new("_CRS".into(), &ResourceTemplate::new(vec![&io, &interrupt])),
        ],
    )
    .to_aml_bytes(body);
}

/// Where a guest kernel tells of its panic, as QEMU's `pvpanic` describes it.
fn panic_port(body: &mut Vec<u8>) {
    let io = IO::new(pvpanic::PORT, pvpanic::PORT, 1, 1);
    Device::new(
        "_SB_.PEVT".into(),
        vec![
            &Name::new("_HID".into(), &"QEMU0001"),
            &Name::new("_CRS".into(), &ResourceTemplate::new(vec![&io])),
        ],
    )
    .to_aml_bytes(body);
}

/// One virtio-mmio window; Linux' `virtio_mmio` knows the id.
fn virtio(body: &mut Vec<u8>, index: usize, address: u32, gsi: u32) {
    let window = Memory32Fixed::new(true, address, 0x1000);
    let interrupt = edge(gsi);
    Device::new(
        Path::new(&format!("_SB_.V{index:03}")),
        vec![
            &Name::new("_HID".into(), &"LNRO0005"),
            &Name::new("_UID".into(), &index),
            &Name::new("_CCA".into(), &1u8),
            &Name::new("_CRS".into(), &ResourceTemplate::new(vec![&window, &interrupt])),
        ],
    )
    .to_aml_bytes(body);
}

/// `_S5`: what to write to the sleep control register to power off.
fn sleep_state(body: &mut Vec<u8>) {
    let kind = power::SLEEP_TYPE_OFF;
    Name::new("_S5_".into(), &Package::new(vec![&kind, &kind])).to_aml_bytes(body);
}

/// An interrupt that events raise: an edge, active high, not shared.
fn edge(gsi: u32) -> Interrupt {
    Interrupt::new(true, true, false, false, gsi)
}
