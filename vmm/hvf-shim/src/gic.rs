//! The interrupt controller: KVM's GICv3.

use applevisor_sys::{
    hv_error_t, hv_gic_config_t, hv_gic_redistributor_reg_t, hv_return_t, hv_vcpu_t,
};
use kvm_bindings::{
    KVM_DEV_ARM_VGIC_CTRL_INIT, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_DEV_ARM_VGIC_GRP_CTRL,
    KVM_DEV_ARM_VGIC_GRP_NR_IRQS, KVM_VGIC_V3_ADDR_TYPE_DIST, KVM_VGIC_V3_ADDR_TYPE_REDIST,
    kvm_create_device, kvm_device_attr, kvm_device_type_KVM_DEV_TYPE_ARM_VGIC_V3 as GIC_V3,
};
use kvm_ioctls::DeviceFd;

use crate::machine::{self, Machine, patiently};
use crate::{Answer, code, config, failed};

/// The most interrupts that KVM makes.
const INTERRUPTS: u32 = 992;
const FIRST_SHARED: u32 = 32;
const SHARED: u32 = INTERRUPTS - FIRST_SHARED;
/// `KVM_ARM_IRQ_TYPE_SPI`.
const SPI: u32 = 1 << 24;

fn set<T>(controller: &DeviceFd, group: u32, attribute: u32, value: &T) -> Answer {
    let attribute = kvm_device_attr {
        group,
        attr: attribute.into(),
        addr: std::ptr::from_ref(value) as u64,
        flags: 0,
    };
    patiently(|| controller.set_device_attr(&attribute)).map_err(failed("KVM_SET_DEVICE_ATTR"))
}

/// All vCPUs exist.
pub fn initialise(controller: &DeviceFd) -> Answer {
    set(controller, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, &())
}

fn create(machine: &mut Machine, config: config::Config) -> Answer {
    if machine.controller.is_some() || !machine.targets.is_empty() {
        return Err(hv_error_t::HV_BUSY);
    }
    let mut device = kvm_create_device { type_: GIC_V3, fd: 0, flags: 0 };
    let controller = machine.fd.create_device(&mut device).map_err(failed("KVM_CREATE_DEVICE"))?;
    for (kind, address) in [
        (KVM_VGIC_V3_ADDR_TYPE_DIST, config.distributor),
        (KVM_VGIC_V3_ADDR_TYPE_REDIST, config.redistributors),
    ] {
        set(&controller, KVM_DEV_ARM_VGIC_GRP_ADDR, kind, &address)?;
    }
    set(&controller, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &INTERRUPTS)?;
    machine.controller = Some(controller);
    Ok(())
}

#[unsafe(no_mangle)]
unsafe extern "C" fn hv_gic_create(object: hv_gic_config_t) -> hv_return_t {
    // SAFETY: a configuration of the caller's.
    let config = unsafe { config::read(object) };
    code(config.and_then(|config| machine::with(|machine| create(machine, config))))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn hv_gic_get_spi_interrupt_range(
    first: *mut u32,
    count: *mut u32,
) -> hv_return_t {
    // SAFETY: the caller gives room for two numbers.
    unsafe {
        first.write(FIRST_SHARED);
        count.write(SHARED);
    }
    code(Ok(()))
}

#[unsafe(no_mangle)]
extern "C" fn hv_gic_set_spi(intid: u32, level: bool) -> hv_return_t {
    if !(FIRST_SHARED..FIRST_SHARED + SHARED).contains(&intid) {
        return code(Err(hv_error_t::HV_BAD_ARGUMENT));
    }
    code(machine::with(|machine| {
        // A line that is raised before the controller is final reaches nobody.
        if !machine.final_ {
            return Ok(());
        }
        machine.fd.set_irq_line(SPI | intid, level).map_err(failed("KVM_IRQ_LINE"))
    }))
}

#[unsafe(no_mangle)]
extern "C" fn hv_gic_set_redistributor_reg(
    _vcpu: hv_vcpu_t,
    _register: hv_gic_redistributor_reg_t,
    _value: u64,
) -> hv_return_t {
    code(Err(hv_error_t::HV_UNSUPPORTED))
}
