use super::*;

#[test]
fn the_caller_has_its_own_numbers() {
    let own = account();
    assert_eq!(own.uid, rustix::process::geteuid().as_raw());
    assert!(!own.name.is_empty() && !own.group.is_empty());
}

#[test]
fn there_is_something_to_give() {
    let limits = limits();
    assert!(limits.cpus >= 1 && limits.memory > 64 << 20);
}
