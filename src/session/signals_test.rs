use super::*;

#[test]
fn signals_have_the_numbers_of_linux_in_the_guest() {
    let numbers = WATCHED.map(in_guest);
    assert_eq!(numbers, [1, 2, 3, 15, 10, 12, 28]);
}
