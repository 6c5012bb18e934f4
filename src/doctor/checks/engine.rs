//! Processor, KVM and QEMU.

use guest_image::Arch;

use crate::{
    accel::{Facts, Kvm, Qemu, kvm_trouble, qemu_trouble},
    doctor::report::Finding,
    spec::Accel,
};

/// The name `--accel` takes.
pub fn name(accel: Accel) -> &'static str {
    match accel {
        Accel::Kvm => "kvm",
        Accel::Tcg => "tcg",
    }
}

/// Hardware virtualization.
pub fn processor(facts: &Facts) -> Finding {
    match (facts.cpu.virtualization, facts.cpu.hypervisor) {
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
