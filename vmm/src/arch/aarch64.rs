//! aarch64: memory layout, device tree, boot state.

pub mod layout;

/// The machine: device tree, GICv3, PSCI, PL011.
pub struct Aarch64;

/// How the first vCPU enters a Linux kernel (`Documentation/arch/arm64/booting.rst`): at EL1,
/// with the MMU off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BootEntry {
    /// Guest-physical address of the first instruction.
    pub address: u64,
    /// Guest-physical address of the device tree, in x0.
    pub device_tree: u64,
}
