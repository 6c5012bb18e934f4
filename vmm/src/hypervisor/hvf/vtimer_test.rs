use super::{VTimer, ticks_left};

#[test]
fn the_mask_stays_while_the_timer_fires() {
    for control in 0..8 {
        let mut timer = VTimer::default();
        assert!(!timer.unmask(control), "was not masked");
        timer.activated();
        let fires = control == 0b101;
        assert_eq!(timer.unmask(control), !fires, "{control:#b}");
        assert_eq!(timer.is_masked(), fires);
    }
}

#[test]
fn a_timer_that_is_off_never_fires() {
    for control in [0, 0b010, 0b011, 0b100, 0b110, 0b111] {
        assert_eq!(ticks_left(control, 10, 5), None);
    }
}

#[test]
fn a_deadline_in_the_past_is_now() {
    assert_eq!(ticks_left(1, 10, 4), Some(6));
    assert_eq!(ticks_left(1, 10, 10), Some(0));
    assert_eq!(ticks_left(0b101, 10, u64::MAX), Some(0));
    assert_eq!(ticks_left(1, u64::MAX, 0), Some(u64::MAX));
}
