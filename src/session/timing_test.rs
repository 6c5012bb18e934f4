#![allow(clippy::unwrap_used, clippy::float_cmp)]
use super::*;

#[test]
fn phases_lie_between_moments() {
    let start = Instant::now();
    let at = |ms| Some(start + Duration::from_millis(ms));
    let mut moments = Moments::since(start);
    moments.decided = at(2);
    moments.up = at(10);
    moments.entry = at(15);
    moments.ready = Some((start + Duration::from_millis(100), Duration::from_millis(30)));
    moments.started = at(101);
    let phases = moments.phases();
    assert_eq!(phases.spec, Some(2.0));
    assert_eq!(phases.processes, Some(8.0));
    assert_eq!(phases.model, None);
    assert_eq!(phases.entry, Some(5.0));
    assert_eq!(phases.kernel, Some(55.0));
    assert_eq!(phases.agent, Some(30.0));
    assert_eq!(phases.command, Some(1.0));
    assert_eq!(phases.run, None);
    moments.served = at(7);
    assert_eq!(moments.phases().model, Some(5.0));
    assert_eq!(moments.phases().processes, Some(3.0));
}

#[test]
fn without_an_entry_the_kernel_counts_from_up() {
    let start = Instant::now();
    let mut moments = Moments::since(start);
    moments.up = Some(start);
    moments.ready = Some((start + Duration::from_millis(50), Duration::from_millis(20)));
    assert_eq!(moments.phases().kernel, Some(30.0));
    assert_eq!(moments.phases().entry, None);
    assert!(moments.phases().to_string().contains("first vCPU entry           -"));
}

#[test]
fn a_command_starts_once_however_often_the_guest_says_so() {
    let start = Instant::now();
    let mut moments = Moments::since(start);
    assert!(moments.start(start));
    assert!(!moments.start(start + Duration::from_secs(60)));
    assert_eq!(moments.started, Some(start));
}
