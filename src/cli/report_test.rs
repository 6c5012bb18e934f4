use super::*;

#[test]
fn phases_that_did_not_come_are_left_out() {
    let phases = Phases { spec: Some(1.25), total: Some(12.0), ..Phases::default() };
    let text = timing(&phases);
    assert_eq!(
        text,
        "qvm: spec            1.2 ms  arguments, policy, image\nqvm: total          12.0 ms\n"
    );
}
