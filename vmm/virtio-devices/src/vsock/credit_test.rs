use super::*;

#[test]
fn a_guest_that_shrinks_its_buffer_has_no_room() {
    let mut credit = ToGuest::default();
    credit.told(1000, 0);
    credit.send(600);
    assert_eq!(credit.room(), 400);
    credit.told(500, 0);
    assert_eq!(credit.room(), 0);
    credit.told(500, 600);
    assert_eq!(credit.room(), 500);
}

#[test]
fn a_guest_that_read_what_was_never_sent_has_no_room() {
    let mut credit = ToGuest::default();
    credit.told(1000, 5);
    assert_eq!(credit.room(), 0);
    credit.told(u32::MAX, 1);
    assert_eq!(credit.room(), 0);
}

#[test]
fn counters_wrap() {
    let mut credit = ToGuest::default();
    credit.send(u32::MAX);
    credit.told(100, u32::MAX - 10);
    assert_eq!(credit.room(), 90);
    credit.send(20);
    assert_eq!(credit.room(), 70);
    credit.told(100, 19);
    assert_eq!(credit.room(), 100);
}

#[test]
fn what_exceeds_the_window_is_refused() {
    let mut credit = FromGuest::new(100);
    assert!(credit.receive(100));
    assert!(!credit.receive(1));
    credit.forward(40);
    assert!(!credit.receive(41));
    assert!(credit.receive(40));
}

#[test]
fn an_update_is_due_when_the_guest_believes_that_little_is_left() {
    let mut credit = FromGuest::new(100);
    assert!(credit.receive(50));
    credit.forward(50);
    assert!(!credit.update_due());
    assert!(credit.receive(1));
    assert!(credit.update_due());
    assert_eq!(credit.tell(), (100, 50));
    assert!(!credit.update_due());
    // Nothing new to tell.
    assert!(credit.receive(99));
    assert!(!credit.update_due());
}
