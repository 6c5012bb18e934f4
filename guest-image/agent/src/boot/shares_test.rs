use super::*;

#[test]
fn the_kernels_own_folders_and_the_root_cannot_be_shared() {
    for path in ["/", "/proc", "/proc/x", "/sys/fs", "/dev", "/dev/shm/x", "//dev/x"] {
        assert!(matches!(check(Path::new(path)), Err(ShareError::Reserved { .. })), "{path}");
    }
}

#[test]
fn only_absolute_paths_without_dots_are_places() {
    for path in ["", "x", "./x", "/a/../b", "/a/..", "/a\0b"] {
        assert!(matches!(check(Path::new(path)), Err(ShareError::NotAbsolute { .. })), "{path}");
    }
}

#[test]
fn other_places_are_fine_whatever_their_bytes() {
    for path in ["/home/me/proj", "/tmp/x", "/devel", "/process/x", "/a b/\n"] {
        assert!(check(Path::new(path)).is_ok(), "{path}");
    }
    assert!(check(Path::new(OsStr::from_bytes(b"/\xff"))).is_ok());
}
