use super::*;

#[test]
fn the_root_is_the_lowest_wherever_its_disk_is() {
    for root in ["/image0", "/image1"] {
        let options = overlay(["/image0", "/image1"].into_iter(), |place| place == root);
        let options = options.to_str().unwrap_or_default().to_owned();
        let lower = if root == "/image0" { "/image1:/image0" } else { "/image0:/image1" };
        assert!(options.starts_with(&format!("lowerdir={lower},upperdir=")), "{options}");
    }
}

#[test]
fn the_number_of_disks_is_bounded() {
    for (layers, expected) in
        [(None, 1), (Some("0"), 1), (Some("1"), 2), (Some("x"), 1), (Some("99"), DISKS.len())]
    {
        assert_eq!(disks(layers), expected, "{layers:?}");
    }
    assert_eq!(disks(Some("18446744073709551615")), DISKS.len());
}
