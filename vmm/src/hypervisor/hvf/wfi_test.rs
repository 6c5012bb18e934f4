use std::time::Duration;

use super::{ALONE, WITH_OTHERS, longest};

#[test]
fn the_timer_ends_a_sleep_but_does_not_lengthen_it() {
    let soon = Duration::from_micros(3);
    for cpus in [1, 2, 32] {
        assert_eq!(longest(Some(soon), cpus), soon);
        assert_eq!(longest(Some(Duration::ZERO), cpus), Duration::ZERO);
    }
    assert_eq!(longest(Some(Duration::MAX), 1), ALONE);
    assert_eq!(longest(None, 1), ALONE);
    assert_eq!(longest(None, 2), WITH_OTHERS);
}
