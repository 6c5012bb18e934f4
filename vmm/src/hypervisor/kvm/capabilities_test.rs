#![allow(clippy::unwrap_used)]

#[test]
fn names_every_missing_capability() {
    let required = [("KVM_CAP_IRQFD", 1), ("KVM_CAP_IOEVENTFD", 2), ("KVM_CAP_PIT2", 3)];
    let error = super::missing(&required, |cap| cap == 3).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("KVM_CAP_IRQFD") && text.contains("KVM_CAP_IOEVENTFD"), "{text}");
    assert!(!text.contains("KVM_CAP_PIT2"), "{text}");
    assert!(super::missing(super::REQUIRED, |_| true).is_ok());
    assert!(super::missing(super::REQUIRED, |_| false).is_err());
}
