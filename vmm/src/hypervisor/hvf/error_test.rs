use super::{Error, failed};
use crate::hypervisor::hvf::binding::Refusal;

#[test]
fn each_refusal_is_one_line_that_says_what_to_do() {
    for (refusal, says) in [
        (Refusal::DENIED, "scripts/sign"),
        (Refusal::BUSY, "already"),
        (Refusal::NO_RESOURCES, "end another"),
        (Refusal::UNSUPPORTED, "Apple silicon"),
        (Refusal(0xfae9_4001), "HV_ERROR"),
        (Refusal(7), "error 0x7"),
    ] {
        let line = Error::of("hv_vm_create", refusal).to_string();
        assert!(line.contains(says) && !line.contains('\n'), "{line}");
    }
}

#[test]
fn busy_is_about_machines_only_where_one_is_made() {
    let error = failed("hv_vcpu_run")(Refusal::BUSY).to_string();
    assert_eq!(error, "hv_vcpu_run of Hypervisor.framework failed (HV_BUSY)");
}
