use super::*;

fn watch() -> (Watch, Instant, SystemTime) {
    let watch = Watch::new();
    let (now, wall) = (watch.seen, watch.wall);
    (watch, now, wall)
}

#[test]
fn quiet_while_the_clocks_agree() {
    let (mut watch, now, wall) = watch();
    let step = Duration::from_secs(5);
    assert!(!watch.due_at(now + step, wall + step));
}

#[test]
fn a_sleep_is_a_jump() {
    let (mut watch, now, wall) = watch();
    assert!(watch.due_at(now + Duration::from_secs(1), wall + Duration::from_secs(3600)));
    assert!(!watch.due_at(now + Duration::from_secs(2), wall + Duration::from_secs(3601)));
}

#[test]
fn a_clock_set_back_is_a_jump() {
    let (mut watch, now, wall) = watch();
    assert!(watch.due_at(now + Duration::from_secs(1), wall - Duration::from_secs(60)));
}

#[test]
fn told_every_minute() {
    let (mut watch, now, wall) = watch();
    assert!(!watch.due_at(now + Duration::from_secs(59), wall + Duration::from_secs(59)));
    assert!(watch.due_at(now + Duration::from_secs(60), wall + Duration::from_secs(60)));
    assert!(!watch.due_at(now + Duration::from_secs(61), wall + Duration::from_secs(61)));
}
