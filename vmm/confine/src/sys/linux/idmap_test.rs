use super::*;

#[test]
fn whole_system_maps_to_itself() {
    let map = IdMap::all("         0          0 4294967295\n");
    assert_eq!(map.0, "0 0 4294967295\n");
}

#[test]
fn ids_of_a_container_are_those_inside() {
    let map = IdMap::all("         0       1000          1\n         1     100000      65536\n");
    assert_eq!(map.0, "0 0 1\n1 1 65536\n");
}

#[test]
fn nonsense_maps_nothing() {
    assert_eq!(IdMap::all("what\n\n1 2\n").0, "");
}
