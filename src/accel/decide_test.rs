#![allow(clippy::unwrap_used)]

use super::*;
use crate::accel::CpuFlags;

fn qemu() -> Qemu {
    Qemu::Found { path: "/usr/bin/qemu-system-x86_64".into(), version: (7, 2) }
}

fn facts(kvm: Kvm, virtualization: bool, qemu: Qemu) -> Facts {
    Facts { kvm, cpu: CpuFlags { virtualization, hypervisor: false }, pvm: false, qemu }
}

#[test]
fn the_table() {
    use Accel as A;
    use Choice as C;
    let broken = || Kvm::Broken("EBUSY".into());
    let old = || Qemu::TooOld { path: "/q".into(), version: (6, 9) };
    // choice, kvm, vmx|svm, qemu -> accelerator and whether something is said
    let table = [
        (C::Auto, Kvm::Usable, true, qemu(), Some((A::Kvm, false))),
        (C::Auto, Kvm::Usable, true, Qemu::Absent, Some((A::Kvm, false))),
        (C::Auto, Kvm::Usable, false, qemu(), Some((A::Tcg, true))),
        (C::Auto, Kvm::Usable, false, Qemu::Absent, None),
        (C::Auto, Kvm::Denied, true, qemu(), Some((A::Tcg, true))),
        (C::Auto, Kvm::Absent, true, qemu(), Some((A::Tcg, true))),
        (C::Auto, Kvm::Absent, false, old(), None),
        (C::Auto, broken(), true, qemu(), Some((A::Tcg, true))),
        (C::Kvm, Kvm::Usable, true, Qemu::NotSought, Some((A::Kvm, false))),
        (C::Kvm, Kvm::Usable, false, Qemu::NotSought, Some((A::Kvm, true))),
        (C::Kvm, Kvm::Denied, true, qemu(), None),
        (C::Kvm, Kvm::Absent, true, qemu(), None),
        (C::Kvm, broken(), true, qemu(), None),
        (C::Tcg, Kvm::Usable, true, qemu(), Some((A::Tcg, false))),
        (C::Tcg, Kvm::Absent, false, qemu(), Some((A::Tcg, false))),
        (C::Tcg, Kvm::Usable, true, Qemu::Absent, None),
        (C::Tcg, Kvm::Usable, true, old(), None),
        (C::Tcg, Kvm::Usable, true, Qemu::Broken { path: "/q".into(), why: "x".into() }, None),
    ];
    for (choice, kvm, flag, qemu, want) in table {
        let facts = facts(kvm, flag, qemu);
        let got = decide(choice, &facts).ok().map(|d| (d.accel, d.warning.is_some()));
        assert_eq!(got, want, "{choice:?} with {facts:?}");
    }
}

#[test]
fn messages_say_what_to_do() {
    let say =
        |choice, kvm, flag, qemu| decide(choice, &facts(kvm, flag, qemu)).unwrap_err().to_string();
    let denied = say(Choice::Kvm, Kvm::Denied, true, qemu());
    assert!(denied.contains("usermod -aG kvm"), "{denied}");
    let neither = say(Choice::Auto, Kvm::Absent, true, Qemu::Absent);
    assert!(
        neither.contains("modprobe") && neither.contains("apt install qemu-system-x86"),
        "{neither}"
    );
    let old =
        say(Choice::Tcg, Kvm::Absent, true, Qemu::TooOld { path: "/q".into(), version: (6, 9) });
    assert!(old.contains("6.9") && old.contains("7.0 or newer"), "{old}");
}

#[test]
fn pvm_is_named() {
    let facts = Facts { pvm: true, ..facts(Kvm::Usable, false, qemu()) };
    let decision = decide(Choice::Auto, &facts).unwrap();
    assert!(decision.reason.contains("PVM"), "{}", decision.reason);
    assert!(decision.warning.unwrap().contains("many times slower"));
}
