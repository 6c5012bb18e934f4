//! What this machine offers. Gathered here, judged in [`super::decide()`].

use std::{ffi::OsStr, fs, path::PathBuf};

use guest_image::Arch;

use super::{
    decide::Choice,
    hvf::{Hvf, hvf_trouble},
    qemu::Qemu,
    sys,
};

/// What `/dev/kvm` does.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(dead_code, reason = "each system makes some of them")]
pub enum Kvm {
    /// This is not Linux.
    Foreign,
    /// There is none.
    Absent,
    /// It may not be opened by this user.
    Denied,
    /// It opens, but makes no machine: the reason.
    Broken(String),
    /// It makes machines.
    Usable,
}

/// What the processor says, from `/proc/cpuinfo`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CpuFlags {
    /// `vmx` (Intel) or `svm` (AMD): hardware virtualization. `None` where processors do not tell:
    /// arm64 has no such flag, and `/dev/kvm` only where the kernel runs as hypervisor (EL2).
    pub virtualization: Option<bool>,
    /// This is itself a virtual machine.
    pub hypervisor: bool,
}

/// Everything a decision rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// `/dev/kvm`.
    pub kvm: Kvm,
    /// The processor.
    pub cpu: CpuFlags,
    /// The kernel has the `kvm_pvm` module loaded.
    pub pvm: bool,
    /// Hypervisor.framework.
    pub hvf: Hvf,
    /// The software emulator.
    pub qemu: Qemu,
}

impl Facts {
    /// Looks. QEMU is looked for only if `choice` may come to need it. `path` is `PATH`;
    /// programs inside `shared` directories are passed over.
    pub fn gather(choice: Choice, path: Option<&OsStr>, shared: &[PathBuf]) -> Self {
        let cpu = CpuFlags::parse(&fs::read_to_string("/proc/cpuinfo").unwrap_or_default());
        let (kvm, hvf) = (sys::probe_kvm(), sys::probe_hvf());
        let kvm_does = kvm == Kvm::Usable && cpu.virtualization != Some(false);
        let enough = match choice {
            Choice::Kvm | Choice::Hvf => true,
            Choice::Auto => kvm_does || hvf_trouble(&hvf).is_none(),
            Choice::Tcg => false,
        };
        let qemu = match enough {
            true => Qemu::NotSought,
            false => sys::find_qemu(Arch::HOST, path.unwrap_or_default(), shared),
        };
        Self { kvm, cpu, pvm: fs::exists("/sys/module/kvm_pvm").unwrap_or(false), hvf, qemu }
    }

    /// Looks at everything, for `doctor`.
    pub fn gather_all(path: Option<&OsStr>, shared: &[PathBuf]) -> Self {
        Self::gather(Choice::Tcg, path, shared)
    }
}

impl CpuFlags {
    /// Reads the first `flags` line; on arm64 there is none.
    pub fn parse(cpuinfo: &str) -> Self {
        let line = cpuinfo.lines().find_map(|line| {
            line.strip_prefix("flags").filter(|rest| rest.trim_start().starts_with(':'))
        });
        let has = |flag: &str| {
            line.is_some_and(|line| line.split_ascii_whitespace().any(|word| word == flag))
        };
        let virtualization = line.is_some().then(|| has("vmx") || has("svm"));
        Self { virtualization, hypervisor: has("hypervisor") }
    }
}

#[cfg(test)]
#[path = "facts_test.rs"]
mod tests;
