#![allow(clippy::unwrap_used)]

use super::*;
use crate::accel::{CpuFlags, Created, Mac};

fn qemu() -> Qemu {
    Qemu::Found { path: "/usr/bin/qemu-system-x86_64".into(), version: (7, 2) }
}

fn facts(kvm: Kvm, virtualization: bool, qemu: Qemu) -> Facts {
    let cpu = CpuFlags { virtualization: Some(virtualization), hypervisor: false };
    Facts { kvm, cpu, pvm: false, hvf: Hvf::Foreign, qemu }
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
fn a_processor_that_does_not_tell_is_asked_by_the_device() {
    let silent = CpuFlags { virtualization: None, hypervisor: false };
    let facts = |kvm, qemu| Facts { cpu: silent, ..facts(kvm, false, qemu) };
    let decision = decide(Choice::Auto, &facts(Kvm::Usable, Qemu::NotSought)).unwrap();
    assert_eq!((decision.accel, decision.warning), (Accel::Kvm, None));
    assert_eq!(decision.reason, "/dev/kvm is usable");
    let decision = decide(Choice::Auto, &facts(Kvm::Absent, qemu())).unwrap();
    assert_eq!(decision.accel, Accel::Tcg);
    let none = decide(Choice::Kvm, &facts(Kvm::Absent, qemu())).unwrap_err().to_string();
    assert!(none.contains("EL2") && !none.contains("VT-x"), "{none}");
}

#[test]
fn on_a_mac() {
    let works = Mac {
        arm64: true,
        translated: false,
        supported: true,
        version: Some((15, 0)),
        created: Created::Works,
    };
    let denied = Mac { created: Created::Denied, ..works };
    let on = |mac, qemu| Facts {
        cpu: CpuFlags::default(),
        hvf: Hvf::Mac(mac),
        ..facts(Kvm::Foreign, false, qemu)
    };
    for choice in [Choice::Auto, Choice::Hvf] {
        let decision = decide(choice, &on(works, Qemu::NotSought)).unwrap();
        assert_eq!((decision.accel, decision.warning), (Accel::Hvf, None));
        let text = decide(choice, &on(denied, Qemu::Foreign)).unwrap_err().to_string();
        assert!(text.contains("./scripts/sign") && !text.contains("KVM"), "{text}");
    }
    let text = decide(Choice::Kvm, &on(works, Qemu::Foreign)).unwrap_err().to_string();
    assert_eq!(text, "cannot use KVM: KVM is part of Linux; use --accel hvf on macOS");
    let text = decide(Choice::Tcg, &on(works, Qemu::Foreign)).unwrap_err().to_string();
    assert!(text.contains("Linux hosts"), "{text}");
}

#[test]
fn a_machine_of_another_architecture_is_emulated_on_linux() {
    let arm = |choice, qemu: &Qemu| decide_foreign(choice, Arch::Aarch64, qemu);
    assert_eq!(arm(Choice::Auto, &qemu()).unwrap().accel, Accel::Tcg);
    let absent = arm(Choice::Tcg, &Qemu::Absent).unwrap_err().to_string();
    assert!(absent.contains("apt install qemu-system-arm"), "{absent}");
    let mac = arm(Choice::Auto, &Qemu::Foreign).unwrap_err().to_string();
    assert!(mac.contains("only Linux hosts"), "{mac}");
    let kvm = arm(Choice::Kvm, &qemu()).unwrap_err().to_string();
    assert!(kvm.contains("no hardware for aarch64"), "{kvm}");
}

#[test]
fn hvf_is_not_on_linux_but_for_tests() {
    let facts = facts(Kvm::Usable, true, Qemu::NotSought);
    let text = decide(Choice::Hvf, &facts).unwrap_err().to_string();
    assert!(text.contains("part of macOS") && text.contains("--accel kvm"), "{text}");
    let shim = Facts { hvf: Hvf::Shim, ..facts };
    assert_eq!(decide(Choice::Hvf, &shim).unwrap().accel, Accel::Hvf);
    assert_eq!(decide(Choice::Auto, &shim).unwrap().accel, Accel::Hvf);
}

#[test]
fn pvm_is_named() {
    let facts = Facts { pvm: true, ..facts(Kvm::Usable, false, qemu()) };
    let decision = decide(Choice::Auto, &facts).unwrap();
    assert!(decision.reason.contains("PVM"), "{}", decision.reason);
    assert!(decision.warning.unwrap().contains("many times slower"));
}
