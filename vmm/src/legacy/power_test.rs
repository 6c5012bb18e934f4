use super::*;

#[test]
fn only_the_right_values_act() {
    for value in 0..=255u8 {
        let off = if value == 0x34 { Action::PowerOff } else { Action::None };
        assert_eq!(Power.write(0, &[value]), off);
        assert_eq!(Power.write(1, &[value]), Action::None);
        let reset = if value == 1 { Action::Reset } else { Action::None };
        assert_eq!(Power.write(2, &[value]), reset);
    }
    assert_eq!(Power.write(0, &[]), Action::None);
}
