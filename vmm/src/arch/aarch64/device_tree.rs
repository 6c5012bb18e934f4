//! The flattened device tree: all that the kernel learns of the machine (Devicetree
//! Specification 0.4; bindings of Linux `Documentation/devicetree`).

use vm_fdt::{Error, FdtWriter};

use super::layout;
use crate::legacy::{pl011, pvpanic, rtc};

/// Random bytes of a tree: for the kernel's generator, then for its address.
pub const SEED: usize = 64 + 8;
const SEED_OF_GENERATOR: usize = 64;

const GIC: u32 = 1;
const CLOCK: u32 = 2;

/// First cell of an interrupt.
const SHARED: u32 = 0;
const PRIVATE: u32 = 1;
/// Last cell of an interrupt.
const EDGE_RISING: u32 = 1;
const LEVEL_HIGH: u32 = 4;

/// Frequency of the clock that the peripherals' bindings ask for; nothing depends on it.
const CLOCK_HERTZ: u32 = 24_000_000;

/// What a tree tells.
pub struct DeviceTree<'a> {
    /// Bytes of memory.
    pub memory: u64,
    /// Number of vCPUs.
    pub cpus: u8,
    /// Kernel command line, without NUL.
    pub cmdline: &'a str,
    /// Address and length of the initrd.
    pub initrd: Option<(u64, u64)>,
    /// Registers and interrupt line of each virtio device.
    pub virtio: &'a [(u64, u32)],
    /// Random bytes.
    pub seed: [u8; SEED],
}

impl DeviceTree<'_> {
    /// The tree in its flat form: some kilobytes.
    ///
    /// # Errors
    /// A NUL in the command line.
    pub fn write(&self) -> Result<Vec<u8>, Error> {
        let mut fdt = FdtWriter::new()?;
        let root = fdt.begin_node("")?;
        fdt.property_string("compatible", "linux,dummy-virt")?;
        fdt.property_string("model", "qvm")?;
        fdt.property_u32("#address-cells", 2)?;
        fdt.property_u32("#size-cells", 2)?;
        fdt.property_u32("interrupt-parent", GIC)?;
        self.chosen(&mut fdt)?;
        let memory = fdt.begin_node(&format!("memory@{:x}", layout::MEMORY))?;
        fdt.property_string("device_type", "memory")?;
        fdt.property_array_u64("reg", &[layout::MEMORY, self.memory])?;
        fdt.end_node(memory)?;
        self.processors(&mut fdt)?;
        firmware(&mut fdt)?;
        timer(&mut fdt)?;
        self.interrupt_controller(&mut fdt)?;
        peripherals(&mut fdt)?;
        for (address, line) in self.virtio {
            virtio(&mut fdt, *address, *line)?;
        }
        fdt.end_node(root)?;
        fdt.finish()
    }

    fn chosen(&self, fdt: &mut FdtWriter) -> Result<(), Error> {
        let chosen = fdt.begin_node("chosen")?;
        fdt.property_string("bootargs", self.cmdline)?;
        fdt.property_string("stdout-path", &format!("/{}", node("pl011", layout::SERIAL)))?;
        let (generator, address) = self.seed.split_at(SEED_OF_GENERATOR);
        fdt.property("rng-seed", generator)?;
        fdt.property("kaslr-seed", address)?;
        if let Some((start, length)) = self.initrd {
            fdt.property_u64("linux,initrd-start", start)?;
            fdt.property_u64("linux,initrd-end", start + length)?;
        }
        fdt.end_node(chosen)
    }

    fn processors(&self, fdt: &mut FdtWriter) -> Result<(), Error> {
        let cpus = fdt.begin_node("cpus")?;
        fdt.property_u32("#address-cells", 2)?;
        fdt.property_u32("#size-cells", 0)?;
        for id in 0..self.cpus {
            let affinity = layout::affinity(id);
            let cpu = fdt.begin_node(&node("cpu", affinity))?;
            fdt.property_string("device_type", "cpu")?;
            fdt.property_string("compatible", "arm,armv8")?;
            fdt.property_string("enable-method", "psci")?;
            fdt.property_u64("reg", affinity)?;
            fdt.end_node(cpu)?;
        }
        fdt.end_node(cpus)
    }

    fn interrupt_controller(&self, fdt: &mut FdtWriter) -> Result<(), Error> {
        let gic = fdt.begin_node(&node("interrupt-controller", layout::GIC_DISTRIBUTOR))?;
        fdt.property_string("compatible", "arm,gic-v3")?;
        fdt.property_null("interrupt-controller")?;
        fdt.property_u32("#interrupt-cells", 3)?;
        let redistributors = layout::GIC_REDISTRIBUTOR_SIZE * u64::from(self.cpus);
        let registers = [
            layout::GIC_DISTRIBUTOR,
            layout::GIC_DISTRIBUTOR_SIZE,
            layout::GIC_REDISTRIBUTORS,
            redistributors,
        ];
        fdt.property_array_u64("reg", &registers)?;
        fdt.property_phandle(GIC)?;
        fdt.end_node(gic)
    }
}

/// Name of a node at an address.
fn node(name: &str, address: u64) -> String {
    format!("{name}@{address:x}")
}

fn strings(list: &[&str]) -> Vec<String> {
    list.iter().map(|&text| text.to_owned()).collect()
}

/// Power off, reset and starting processors are hypercalls.
fn firmware(fdt: &mut FdtWriter) -> Result<(), Error> {
    let psci = fdt.begin_node("psci")?;
    fdt.property_string_list("compatible", strings(&["arm,psci-1.0", "arm,psci-0.2"]))?;
    fdt.property_string("method", "hvc")?;
    fdt.end_node(psci)
}

fn timer(fdt: &mut FdtWriter) -> Result<(), Error> {
    let timer = fdt.begin_node("timer")?;
    fdt.property_string("compatible", "arm,armv8-timer")?;
    fdt.property_null("always-on")?;
    let interrupts = layout::TIMER_PPIS.map(|number| [PRIVATE, number, LEVEL_HIGH]).concat();
    fdt.property_array_u32("interrupts", &interrupts)?;
    fdt.end_node(timer)
}

fn peripherals(fdt: &mut FdtWriter) -> Result<(), Error> {
    let clock = fdt.begin_node("apb-pclk")?;
    fdt.property_string("compatible", "fixed-clock")?;
    fdt.property_u32("#clock-cells", 0)?;
    fdt.property_u32("clock-frequency", CLOCK_HERTZ)?;
    fdt.property_phandle(CLOCK)?;
    fdt.end_node(clock)?;

    let serial = fdt.begin_node(&node("pl011", layout::SERIAL))?;
    fdt.property_string_list("compatible", strings(&["arm,pl011", "arm,primecell"]))?;
    fdt.property_array_u64("reg", &[layout::SERIAL, pl011::SIZE])?;
    fdt.property_array_u32("interrupts", &[SHARED, layout::SERIAL_LINE, EDGE_RISING])?;
    fdt.property_array_u32("clocks", &[CLOCK, CLOCK])?;
    fdt.property_string_list("clock-names", strings(&["uartclk", "apb_pclk"]))?;
    fdt.end_node(serial)?;

    // Without alarm, hence without interrupt.
    let clock = fdt.begin_node(&node("rtc", layout::RTC))?;
    fdt.property_string_list("compatible", strings(&["arm,pl031", "arm,primecell"]))?;
    fdt.property_array_u64("reg", &[layout::RTC, rtc::SIZE])?;
    fdt.property_u32("clocks", CLOCK)?;
    fdt.property_string("clock-names", "apb_pclk")?;
    fdt.end_node(clock)?;

    let panic = fdt.begin_node(&node("pvpanic", layout::PVPANIC))?;
    fdt.property_string("compatible", "qemu,pvpanic-mmio")?;
    fdt.property_array_u64("reg", &[layout::PVPANIC, pvpanic::MMIO_SIZE])?;
    fdt.end_node(panic)
}

fn virtio(fdt: &mut FdtWriter, address: u64, line: u32) -> Result<(), Error> {
    let device = fdt.begin_node(&node("virtio_mmio", address))?;
    fdt.property_string("compatible", "virtio,mmio")?;
    fdt.property_array_u64("reg", &[address, layout::VIRTIO_STEP])?;
    fdt.property_array_u32("interrupts", &[SHARED, line, EDGE_RISING])?;
    fdt.property_null("dma-coherent")?;
    fdt.end_node(device)
}

#[cfg(test)]
#[path = "device_tree_test.rs"]
mod tests;
