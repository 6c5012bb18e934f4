//! Hypervisor.framework: what there is to know of it, and what it means.
//!
//! ```text
//!  this processor ─▶ not translated ─▶ kern.hv_support ─▶ macOS 15 ─▶ hv_vm_create ─▶ usable
//!  arm64?            by Rosetta         in a virtual       its GIC      entitlement,
//!                                       machine: none                   others
//! ```

use super::decide::Trouble;

/// Oldest macOS whose framework has an interrupt controller (`hv_gic_create`).
pub const OLDEST: (u32, u32) = (15, 0);

/// What Hypervisor.framework does here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(dead_code, reason = "each system makes some of them")]
pub enum Hvf {
    /// This is not macOS.
    Foreign,
    /// This is not macOS, but functions of that name are linked in, over KVM: for tests.
    Shim,
    /// This is macOS.
    Mac(Mac),
}

/// A Mac.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mac {
    /// `hw.optional.arm64`: Apple silicon.
    pub arm64: bool,
    /// `sysctl.proc_translated`: this process is run by Rosetta.
    pub translated: bool,
    /// `kern.hv_support`.
    pub supported: bool,
    /// `kern.osproductversion`.
    pub version: Option<(u32, u32)>,
    /// What `hv_vm_create` said.
    pub created: Created,
}

/// What became of a machine that was created to see whether it can be, and given back at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(dead_code, reason = "made on macOS")]
pub enum Created {
    /// Something else is in the way already.
    Untried,
    /// There was one.
    Works,
    /// `HV_DENIED`: the program has no right to.
    Denied,
    /// `HV_BUSY`, `HV_NO_RESOURCES`: others have what there is.
    Busy,
    /// `HV_UNSUPPORTED`, `HV_NO_DEVICE`.
    Unsupported,
    /// Another code.
    Failed(u32),
}

impl Created {
    /// From a return value of the framework (`hv_return_t`).
    #[cfg_attr(not(target_os = "macos"), allow(dead_code, reason = "asked on macOS"))]
    pub fn of(code: u32) -> Self {
        match code {
            0 => Self::Works,
            0xfae9_4002 | 0xfae9_4005 => Self::Busy,
            0xfae9_4006 | 0xfae9_400f => Self::Unsupported,
            0xfae9_4007 => Self::Denied,
            other => Self::Failed(other),
        }
    }
}

/// Reads a version as macOS tells it: `15.6.1`, `26.0`, `26`.
#[cfg_attr(not(target_os = "macos"), allow(dead_code, reason = "told by macOS"))]
pub fn version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.trim().split('.');
    let major = parts.next()?.parse().ok()?;
    Some((major, parts.next().map_or(Ok(0), str::parse).ok()?))
}

/// What is wrong with Hypervisor.framework here; `None` if it can be relied on.
pub fn hvf_trouble(hvf: &Hvf) -> Option<Trouble> {
    let trouble = |short: String, hint| Some(Trouble { short, hint, may_try: false });
    let mac = match hvf {
        Hvf::Shim => return None,
        Hvf::Foreign => {
            return trouble(
                "Hypervisor.framework is part of macOS".into(),
                "use --accel kvm on Linux",
            );
        }
        Hvf::Mac(mac) => mac,
    };
    if !mac.arm64 {
        return trouble(
            "this Mac has an Intel processor".into(),
            "qvm needs a Mac with Apple silicon",
        );
    }
    if mac.translated {
        return trouble(
            "qvm is being run by Rosetta, which has no virtualization".into(),
            "run it from an arm64 shell: `arch -arm64 zsh`",
        );
    }
    if !mac.supported {
        return trouble(
            "this Mac does not offer virtualization (kern.hv_support is 0)".into(),
            "if it is a virtual machine itself, turn nested virtualization on for it",
        );
    }
    match mac.version {
        Some(version) if version < OLDEST => {
            return trouble(
                format!(
                    "this is macOS {}.{}, whose Hypervisor.framework has no interrupt controller",
                    version.0, version.1
                ),
                "update to macOS 15 or newer",
            );
        }
        _ => {}
    }
    match mac.created {
        Created::Works | Created::Untried => None,
        Created::Denied => trouble(
            "this qvm is not signed for virtualization (com.apple.security.hypervisor)".into(),
            "run `./scripts/sign PATH-OF-QVM`",
        ),
        Created::Busy => trouble(
            "Hypervisor.framework is busy: other virtual machines use all it has".into(),
            "end some of them, or try again",
        ),
        Created::Unsupported => trouble(
            "Hypervisor.framework says that this Mac cannot".into(),
            "if it is a virtual machine itself, turn nested virtualization on for it",
        ),
        Created::Failed(code) => trouble(
            format!("Hypervisor.framework makes no machine (code {code:#010x})"),
            "`qvm doctor --report` prints what a bug report needs",
        ),
    }
}

#[cfg(test)]
#[path = "hvf_test.rs"]
mod tests;
