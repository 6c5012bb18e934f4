//! Hypervisor.framework.

use super::{Base, Started};
use crate::{
    session::{Error, hvf, vmm},
    spec::Accel,
};

/// Starts the monitor; policy takes nothing else here.
pub(in crate::session) fn start(base: Base<'_>) -> Result<Started, Error> {
    hvf::start(base)
}

/// The kernel command line of a run, for measurements beside other monitors.
pub fn kernel_line(_accel: Accel) -> String {
    vmm::kernel_line(false)
}
