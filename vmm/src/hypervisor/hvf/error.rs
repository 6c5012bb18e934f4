//! Why Hypervisor.framework could not do what was asked.

use super::binding::Refusal;

/// Why Hypervisor.framework could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// `HV_DENIED`.
    #[error(
        "this qvm is not signed for virtualization, so macOS refuses; run `./scripts/sign`, \
         or codesign it with the entitlement com.apple.security.hypervisor"
    )]
    NotEntitled,
    /// `HV_BUSY`, when a machine is made.
    #[error("this process has a virtual machine already, and macOS gives each one only")]
    Busy,
    /// `HV_NO_RESOURCES`.
    #[error("macOS has no room for one more virtual machine; end another one and try again")]
    NoResources,
    /// The hardware, or a virtual machine that poses as it, cannot.
    #[error(
        "this Mac cannot run virtual machines (sysctl kern.hv_support is 0); qvm needs Apple silicon that is not itself a virtual machine"
    )]
    Unsupported,
    /// A system without an interrupt controller in the framework.
    #[error("macOS {0} is too old: qvm needs macOS 15 or newer; update this Mac")]
    OldSystem(String),
    /// More vCPUs than the framework gives a machine.
    #[error("{wanted} CPUs were asked for, but this Mac allows a machine {limit}; ask for fewer")]
    TooManyCpus {
        /// Number asked for.
        wanted: u8,
        /// The host's limit.
        limit: u32,
    },
    /// Guest memory that is not whole pages of the host.
    #[error("{0} bytes of memory are no multiple of 16 KiB; ask for whole MiB")]
    MemoryUneven(u64),
    /// An interrupt line that the controller lacks.
    #[error("the interrupt controller of macOS has no line {0}; use fewer devices")]
    NoLine(u32),
    /// Another call failed.
    #[error("{call} of Hypervisor.framework failed ({})", name(*refusal))]
    Call {
        /// Its name.
        call: &'static str,
        /// What it answered.
        refusal: Refusal,
    },
}

/// Names the call that was refused.
pub(super) fn failed(call: &'static str) -> impl FnOnce(Refusal) -> crate::hypervisor::Error {
    move |refusal| Error::of(call, refusal).into()
}

impl Error {
    /// What a refusal of `call` means.
    pub(super) fn of(call: &'static str, refusal: Refusal) -> Error {
        match refusal {
            Refusal::DENIED => Error::NotEntitled,
            Refusal::NO_RESOURCES => Error::NoResources,
            Refusal::BUSY if call == "hv_vm_create" => Error::Busy,
            Refusal::UNSUPPORTED if call == "hv_vm_create" => Error::Unsupported,
            refusal => Error::Call { call, refusal },
        }
    }
}

/// A refusal as the framework's header spells it.
fn name(refusal: Refusal) -> String {
    let name = match refusal.0 {
        0xfae9_4001 => "HV_ERROR",
        0xfae9_4002 => "HV_BUSY",
        0xfae9_4003 => "HV_BAD_ARGUMENT",
        0xfae9_4004 => "HV_ILLEGAL_GUEST_STATE",
        0xfae9_4006 => "HV_NO_DEVICE",
        0xfae9_4008 => "HV_EXISTS",
        0xfae9_400f => "HV_UNSUPPORTED",
        code => return format!("error {code:#x}"),
    };
    name.to_owned()
}

#[cfg(test)]
#[path = "error_test.rs"]
mod tests;
