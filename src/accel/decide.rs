//! The decision, a function of [`Facts`] alone. There is no choice that runs a command on the
//! host itself (A06, A18).

use guest_image::Arch;
use serde::Deserialize;

use super::{
    facts::{Facts, Kvm},
    hvf::{Hvf, hvf_trouble},
    qemu::{OLDEST, Qemu, program},
};
use crate::spec::Accel;

/// What was asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Choice {
    /// hardware virtualization where there is, else software emulation
    #[default]
    Auto,
    /// hardware virtualization of Linux, or an error
    Kvm,
    /// hardware virtualization of macOS, or an error
    Hvf,
    /// software emulation with QEMU: works anywhere, many times slower
    Tcg,
}

/// What is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What runs the virtual CPUs.
    pub accel: Accel,
    /// Why, one sentence.
    pub reason: String,
    /// Something the user should know, such as that this is the slow way.
    pub warning: Option<String>,
}

/// Why nothing can be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccelError {
    /// `--accel kvm`, and it does not.
    #[error("cannot use KVM: {0}")]
    NoKvm(String),
    /// `--accel hvf`, and it does not.
    #[error("cannot use Hypervisor.framework: {0}")]
    NoHvf(String),
    /// Hardware was asked for, and it is of another kind.
    #[error("this machine is {host} and has no hardware for {0}: leave `--accel` out, or say `--accel tcg`", host = Arch::HOST)]
    Foreign(Arch),
    /// `--nested` with Hypervisor.framework.
    #[error("--nested needs KVM: Hypervisor.framework offers its guests no virtualization")]
    NoNesting,
    /// `--accel tcg`, and there is no QEMU.
    #[error("cannot emulate in software: {0}")]
    NoQemu(String),
    /// `auto`, and neither does.
    #[error("nothing here can run a machine: {engine}: {hardware}; software emulation: {qemu}")]
    Neither {
        /// What virtualization is called here.
        engine: &'static str,
        /// What is wrong with it.
        hardware: String,
        /// What is wrong with QEMU.
        qemu: String,
    },
}

/// Chooses.
///
/// # Errors
/// [`AccelError`], with what to do about it.
pub fn decide(choice: Choice, facts: &Facts) -> Result<Decision, AccelError> {
    let kvm = kvm_trouble(facts);
    match (choice, kvm) {
        (Choice::Auto, kvm) => auto(facts, kvm),
        (Choice::Hvf, _) => match hvf_trouble(&facts.hvf) {
            None => Ok(taken(Accel::Hvf, "asked for with --accel hvf")),
            Some(trouble) => Err(AccelError::NoHvf(trouble.full())),
        },
        (Choice::Kvm, None) => Ok(taken(Accel::Kvm, "asked for with --accel kvm")),
        (Choice::Kvm, Some(trouble)) if trouble.may_try => {
            let warning = format!(
                "{}; trying because of --accel kvm, but the machine may never start",
                trouble.short
            );
            Ok(Decision {
                warning: Some(warning),
                ..taken(Accel::Kvm, "asked for with --accel kvm")
            })
        }
        (Choice::Kvm, Some(trouble)) => Err(AccelError::NoKvm(trouble.full())),
        (Choice::Tcg, _) => match qemu_trouble(Arch::HOST, &facts.qemu) {
            None => Ok(taken(Accel::Tcg, "asked for with --accel tcg")),
            Some(qemu) => Err(AccelError::NoQemu(qemu)),
        },
    }
}

/// The virtualization of this system, else software emulation.
fn auto(facts: &Facts, kvm: Option<Trouble>) -> Result<Decision, AccelError> {
    let (engine, name, reason, trouble) = match facts.hvf {
        // A build with the shim is there to try this one.
        Hvf::Mac(_) | Hvf::Shim => (
            Accel::Hvf,
            "Hypervisor.framework",
            "Hypervisor.framework makes machines",
            hvf_trouble(&facts.hvf),
        ),
        Hvf::Foreign => {
            let reason = match facts.cpu.virtualization {
                None => "/dev/kvm is usable",
                Some(_) => "/dev/kvm is usable and the processor has hardware virtualization",
            };
            (Accel::Kvm, "KVM", reason, kvm)
        }
    };
    let Some(trouble) = trouble else { return Ok(taken(engine, reason)) };
    match qemu_trouble(Arch::HOST, &facts.qemu) {
        None => {
            let warning = format!(
                "no hardware virtualization here ({}): using software emulation, which is many times slower; `qvm doctor` tells more",
                trouble.short
            );
            Ok(Decision {
                warning: Some(warning),
                ..taken(Accel::Tcg, &format!("no hardware virtualization: {}", trouble.short))
            })
        }
        Some(qemu) => Err(AccelError::Neither { engine: name, hardware: trouble.full(), qemu }),
    }
}

/// Chooses for machines of another architecture than this one, which only software can be.
///
/// # Errors
/// [`AccelError`], with what to do about it.
pub fn decide_foreign(choice: Choice, arch: Arch, qemu: &Qemu) -> Result<Decision, AccelError> {
    if let Choice::Kvm | Choice::Hvf = choice {
        return Err(AccelError::Foreign(arch));
    }
    if *qemu == Qemu::Foreign {
        let instead = format!("only Linux hosts do it; leave out `--arch`, or run qvm on {arch}");
        return Err(AccelError::NoQemu(instead));
    }
    match qemu_trouble(arch, qemu) {
        None => Ok(taken(Accel::Tcg, &format!("this machine is no {arch}, so it is emulated"))),
        Some(trouble) => Err(AccelError::NoQemu(trouble)),
    }
}

fn taken(accel: Accel, reason: &str) -> Decision {
    Decision { accel, reason: reason.into(), warning: None }
}

/// Why KVM is not taken by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// What it is.
    pub short: String,
    /// What to do.
    pub hint: &'static str,
    /// Whether it might work all the same.
    pub may_try: bool,
}

impl Trouble {
    /// What it is and what to do.
    pub fn full(&self) -> String {
        format!("{}; {}", self.short, self.hint)
    }
}

/// What is wrong with KVM here; `None` if it can be relied on.
pub fn kvm_trouble(facts: &Facts) -> Option<Trouble> {
    let trouble =
        |short: String, hint: &'static str, may_try: bool| Some(Trouble { short, hint, may_try });
    match &facts.kvm {
        Kvm::Foreign => trouble("KVM is part of Linux".into(), "use --accel hvf on macOS", false),
        Kvm::Usable if facts.cpu.virtualization != Some(false) => None,
        // A KVM that needs no VMX or SVM is paravirtual (PVM). It creates machines and runs
        // small programs in them, but an ordinary kernel never boots.
        Kvm::Usable if facts.pvm => trouble(
            "/dev/kvm is a paravirtual KVM (PVM), on which ordinary kernels do not boot".into(),
            "use a machine with VMX or SVM",
            true,
        ),
        Kvm::Usable => trouble(
            "/dev/kvm opens but the processor shows neither vmx nor svm, so ordinary kernels may not boot".into(),
            "use a machine with VMX or SVM",
            true,
        ),
        Kvm::Denied => trouble(
            "/dev/kvm may not be opened by you".into(),
            "run `sudo usermod -aG kvm $USER` and log in again",
            false,
        ),
        Kvm::Broken(why) => trouble(
            format!("/dev/kvm opens but makes no machine ({why})"),
            "end other hypervisors such as VirtualBox, or look into the kernel log",
            false,
        ),
        Kvm::Absent if facts.cpu.virtualization.is_none() => trouble(
            "there is no /dev/kvm".into(),
            "boot the kernel as hypervisor (EL2), turn nested virtualization on if this is a virtual machine, or pass /dev/kvm into this container",
            false,
        ),
        Kvm::Absent if facts.cpu.virtualization == Some(true) => trouble(
            "there is no /dev/kvm although the processor could".into(),
            "run `sudo modprobe kvm_intel` or `sudo modprobe kvm_amd`, or pass /dev/kvm into this container",
            false,
        ),
        Kvm::Absent if facts.cpu.hypervisor => trouble(
            "there is no /dev/kvm, as this is a virtual machine without nested virtualization".into(),
            "turn nested virtualization on for it",
            false,
        ),
        Kvm::Absent => trouble("there is no /dev/kvm".into(), "turn virtualization (VT-x, AMD-V) on in the firmware", false),
    }
}

/// What is wrong with QEMU for machines `arch` here, and what to do; `None` if it can be used.
pub fn qemu_trouble(arch: Arch, qemu: &Qemu) -> Option<String> {
    match qemu {
        Qemu::Found { .. } => None,
        Qemu::Foreign => Some("it is for Linux hosts; use --accel hvf".into()),
        Qemu::Absent | Qemu::NotSought => {
            let (program, package) = program(arch);
            Some(format!("{program} is not in PATH; run `sudo apt install {package}`"))
        }
        Qemu::TooOld { path, version: (major, minor) } => Some(format!(
            "{} is version {major}.{minor}; {}.{} or newer is needed",
            path.display(),
            OLDEST.0,
            OLDEST.1
        )),
        Qemu::Broken { path, why } => {
            Some(format!("{} does not tell its version ({why}); reinstall it", path.display()))
        }
    }
}

#[cfg(test)]
#[path = "decide_test.rs"]
mod tests;
