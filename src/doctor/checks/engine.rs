//! Processor, KVM or Hypervisor.framework, QEMU.

use guest_image::Arch;

use crate::{
    accel::{Facts, Hvf, Kvm, Mac, Qemu, hvf_trouble, kvm_trouble, qemu_trouble},
    doctor::report::Finding,
};

/// Those that this system has. `hardware`: that the decision takes virtualization.
pub fn all(facts: &Facts, hardware: bool) -> Vec<Finding> {
    match &facts.hvf {
        Hvf::Mac(mac) => vec![hvf(&facts.hvf, mac)],
        Hvf::Foreign | Hvf::Shim => vec![processor(facts), kvm(facts), qemu(facts, hardware)],
    }
}

/// Hypervisor.framework. There is nothing else on a Mac.
pub fn hvf(hvf: &Hvf, mac: &Mac) -> Finding {
    let check = "hypervisor";
    match hvf_trouble(hvf) {
        Some(trouble) => Finding::fail(check, trouble.short, trouble.hint),
        None => {
            let version = mac.version.map_or_else(
                || "macOS of unknown version".to_owned(),
                |(major, minor)| format!("macOS {major}.{minor}"),
            );
            Finding::ok(check, format!("Hypervisor.framework of {version} makes machines"))
        }
    }
}

/// Hardware virtualization.
pub fn processor(facts: &Facts) -> Finding {
    let Some(virtualization) = facts.cpu.virtualization else {
        return Finding::ok("processor", "does not tell what it can; /dev/kvm does");
    };
    match (virtualization, facts.cpu.hypervisor) {
        (true, false) => Finding::ok("processor", "has hardware virtualization (vmx or svm)"),
        (true, true) => {
            Finding::ok("processor", "a virtual machine with nested virtualization (vmx or svm)")
        }
        (false, true) => Finding::warn(
            "processor",
            "a virtual machine without nested virtualization: neither vmx nor svm in /proc/cpuinfo",
            "turn nested virtualization on for it, or use another kind of machine",
        ),
        (false, false) => Finding::warn(
            "processor",
            "neither vmx nor svm in /proc/cpuinfo",
            "turn VT-x or AMD-V on in the firmware",
        ),
    }
}

/// `/dev/kvm`.
pub fn kvm(facts: &Facts) -> Finding {
    match (kvm_trouble(facts), &facts.kvm) {
        (None, _) => Finding::ok("/dev/kvm", "opens and makes machines"),
        (Some(trouble), Kvm::Usable) => Finding::warn(
            "/dev/kvm",
            trouble.short,
            format!("not used by itself; {}", trouble.hint),
        ),
        (Some(trouble), _) => Finding::warn("/dev/kvm", trouble.short, trouble.hint),
    }
}

/// The emulator; needed only where KVM is not.
pub fn qemu(facts: &Facts, kvm_taken: bool) -> Finding {
    match (&facts.qemu, qemu_trouble(Arch::HOST, &facts.qemu)) {
        (Qemu::Found { path, version: (major, minor) }, _) => {
            Finding::ok("qemu", format!("{} {major}.{minor}", path.display()))
        }
        (_, Some(trouble)) if kvm_taken => {
            Finding::ok("qemu", format!("{trouble} (not needed, as KVM works)"))
        }
        (_, trouble) => {
            let trouble = trouble.unwrap_or_default();
            let (fact, advice) =
                trouble.split_once("; ").unwrap_or((&trouble, "install QEMU 7.0 or newer"));
            Finding::fail("qemu", fact, advice)
        }
    }
}
