#![allow(clippy::unwrap_used)]

use kvm_ioctls::Cap;

#[test]
fn names_every_missing_capability() {
    let error = super::missing(|cap| !matches!(cap, Cap::Irqfd | Cap::Ioeventfd)).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("KVM_CAP_IRQFD") && text.contains("KVM_CAP_IOEVENTFD"), "{text}");
    assert!(!text.contains("KVM_CAP_PIT2"), "{text}");
    assert!(super::missing(|_| true).is_ok());
}
