use super::*;

#[test]
fn small_differences_are_left_alone_in_both_directions() {
    assert!(!is_wrong(10_000_000_000, 10_100_000_000));
    assert!(!is_wrong(10_100_000_000, 10_000_000_000));
    assert!(is_wrong(10_000_000_000, 10_100_000_001));
    assert!(is_wrong(u64::MAX, 0));
}

#[test]
fn a_time_before_the_epoch_counts_as_zero() {
    assert_eq!(nanos(Timespec { tv_sec: -5, tv_nsec: 1 }), 1);
    assert_eq!(nanos(Timespec { tv_sec: 2, tv_nsec: 3 }), 2_000_000_003);
}
