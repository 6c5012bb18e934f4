//! GICv3 in the kernel.

use kvm_bindings::{
    KVM_DEV_ARM_VGIC_CTRL_INIT, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_DEV_ARM_VGIC_GRP_CTRL,
    KVM_DEV_ARM_VGIC_GRP_NR_IRQS, KVM_VGIC_V3_ADDR_TYPE_DIST, KVM_VGIC_V3_ADDR_TYPE_REDIST,
    kvm_create_device, kvm_device_attr, kvm_device_type_KVM_DEV_TYPE_ARM_VGIC_V3 as GIC_V3,
};
use kvm_ioctls::{DeviceFd, VmFd};

use crate::arch::aarch64::layout;
use crate::hypervisor::Error;
use crate::hypervisor::kvm::failed;

/// Interrupts of the controller: private ones and those of devices, as a multiple of 32.
const INTERRUPTS: u32 = (layout::SPI_BASE + layout::VIRTIO_LINES.end).next_multiple_of(32);

/// Creates and initialises the controller of a machine that has all its vCPUs. From then on line
/// `n` of the machine is shared peripheral interrupt `n`.
pub(super) fn create(vm: &VmFd) -> Result<DeviceFd, Error> {
    let mut device = kvm_create_device { type_: GIC_V3, fd: 0, flags: 0 };
    let gic = vm.create_device(&mut device).map_err(|error| match error.errno() {
        libc::ENODEV => Error::NoGicV3,
        _ => failed("KVM_CREATE_DEVICE")(error),
    })?;
    let addresses = [
        (KVM_VGIC_V3_ADDR_TYPE_DIST, layout::GIC_DISTRIBUTOR),
        (KVM_VGIC_V3_ADDR_TYPE_REDIST, layout::GIC_REDISTRIBUTORS),
    ];
    for (kind, address) in addresses {
        set(&gic, KVM_DEV_ARM_VGIC_GRP_ADDR, kind, &address)?;
    }
    set(&gic, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &INTERRUPTS)?;
    set(&gic, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, &())?;
    Ok(gic)
}

/// Sets attribute `attribute` of `group`, whose value KVM reads at the address given.
fn set<T>(gic: &DeviceFd, group: u32, attribute: u32, value: &T) -> Result<(), Error> {
    let attribute = kvm_device_attr {
        group,
        attr: u64::from(attribute),
        addr: std::ptr::from_ref(value) as u64,
        flags: 0,
    };
    gic.set_device_attr(&attribute).map_err(failed("KVM_SET_DEVICE_ATTR"))
}
