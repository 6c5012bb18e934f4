use super::*;

#[test]
fn what_each_shelf_holds() {
    let images = |names: &[&str]| Shelf::Images.holds(names.iter().copied());
    assert!(images(&["modules.cpio", "root.erofs", "vmlinux", "vmlinuz"]));
    assert!(images(&["root.erofs"]));
    assert!(!images(&["vmlinux"]));
    assert!(!images(&["root.erofs", "../../etc/passwd"]));
    assert!(!images(&[]));
    assert!(!Shelf::Layers.holds(["layer.erofs", "vmlinux"].into_iter()));
    assert!(!Shelf::Kernels.holds(["vmlinux"].into_iter()));
    assert!(Shelf::Kernels.holds(["vmlinux", "config"].into_iter()));
}

#[test]
fn no_thing_fits_two_shelves() {
    for one in Shelf::ALL {
        for other in Shelf::ALL {
            assert_eq!(one == other, other.holds(one.required().iter().copied()));
        }
    }
}
