//! `virt`, whose kernel finds everything in the device tree that QEMU writes: 32 virtio-mmio
//! transports, a GICv3 and a PL011. Its PCI bridge cannot be left out; nothing is attached to it.
//!
//! | part | why |
//! |---|---|
//! | `gic-version=3,its=off` | as on KVM and Hypervisor.framework; only PCI has use for an ITS |
//! | `acpi=off` | only firmware reads those tables, and there is none |
//! | `virtualization=on` | the processor has EL2, so that the guest's own KVM works |
//! | `pauth-impdef=on` | pointers signed by a quick hash: the architected one takes most of the time |
//! | `lpa2=off` | kernels with pages of 16 KiB hang in QEMU 7.2 where addresses have 52 bits |

/// QEMU's name of the machine, and what it has.
pub fn machine(nested: bool) -> String {
    let level = if nested { ",virtualization=on" } else { "" };
    format!("virt,gic-version=3,its=off,acpi=off{level}")
}

/// The processor.
pub const PROCESSOR: &str = "max,pauth-impdef=on,lpa2=off";

/// What is told to every kernel. PSCI resets and turns off; the clock's frequency is in a register.
const ALWAYS: &str = "console=ttyAMA0 panic=-1 cryptomgr.notests";

/// The same, and how much it prints.
pub fn kernel_line(log: &str) -> String {
    format!("{ALWAYS} {log}")
}
