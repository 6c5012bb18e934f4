#![allow(clippy::unwrap_used)]

use super::*;

const PASSWD: &[u8] = b"root:x:0:0:root:/root:/bin/bash\nbin:x:2:2:bin:/bin:/sbin/nologin\nusers:x:1000:7::/:/bin/sh\n";
const GROUP: &[u8] = b"root:x:0:\ntty:x:5:\ndialout:x:20:\nstaff:x:50:\n";

fn user(name: &str, uid: u32, group: &str, gid: u32) -> User {
    User { name: name.into(), uid, gid, group: group.into(), home: b"/home/me".to_vec() }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

#[test]
fn the_caller_is_added_and_takes_the_place_of_an_entry_with_the_same_number_or_name() {
    let me = user("me", 1000, "me", 1000);
    assert_eq!(
        text(passwd(PASSWD, &me, "/bin/bash")),
        "root:x:0:0:root:/root:/bin/bash\nbin:x:2:2:bin:/bin:/sbin/nologin\nme:x:1000:1000:me:/home/me:/bin/bash\n"
    );
    let bin = text(passwd(PASSWD, &user("bin", 501, "x", 1), "/bin/sh"));
    assert!(bin.contains("bin:x:501:1:") && !bin.contains("bin:x:2:"), "{bin}");
    // As on macOS: the number is another group's in Debian, and so is the name.
    let staff = text(group(GROUP, &user("me", 501, "staff", 20)));
    assert_eq!(staff, "root:x:0:\ntty:x:5:\nstaff:x:20:\n");
}

#[test]
fn root_comes_first_and_stays_number_zero() {
    let mut root = user("root", 0, "root", 0);
    root.home = b"/root".to_vec();
    assert!(
        text(passwd(PASSWD, &root, "/bin/sh")).starts_with("root:x:0:0:root:/root:/bin/sh\nbin:")
    );
    assert_eq!(text(group(GROUP, &root)), text(GROUP.to_vec()));
    let toor = text(passwd(PASSWD, &user("toor", 0, "wheel", 0), "/bin/sh"));
    assert!(
        toor.starts_with("root:x:0:0:") && toor.ends_with("toor:x:0:0:toor:/home/me:/bin/sh\n"),
        "{toor}"
    );
    assert_eq!(settle(&user("root", 1000, "root", 1000)).name, "user");
    assert_eq!(settle(&user("root", 1000, "root", 1000)).group, "user");
}

#[test]
fn names_and_homes_cannot_forge_lines() {
    for name in ["", "1000", "a:b", "a\nroot2:x:0:0", "a b", "a/b", "-a", "\t"] {
        let settled = settle(&user(name, 1000, name, 1000));
        assert_eq!((settled.name.as_str(), settled.group.as_str()), ("user", "user"), "{name:?}");
    }
    let mut evil = user("me", 1000, "me", 1000);
    evil.home = b"/home/x\nroot2:x:0:0::/:/bin/sh".to_vec();
    assert_eq!(text(passwd(b"", &evil, "/bin/sh")), "me:x:1000:1000:me:/:/bin/sh\n");
    evil.home = b"relative".to_vec();
    assert_eq!(settle(&evil).home, b"/");
}

#[test]
fn subordinate_ids_do_not_contain_the_caller() {
    let me = user("me", 1000, "me", 1000);
    assert_eq!(text(subordinate(b"me:1:2\nother:5:6\n", &me)), "other:5:6\nme:100000:65536\n");
    let inside = user("me", 1000, "me", 165_535);
    assert_eq!(text(subordinate(b"", &inside)), "me:1879048192:65536\n");
    let after = user("me", 165_536, "me", 99_999);
    assert_eq!(text(subordinate(b"", &after)), "me:100000:65536\n");
}

#[test]
fn the_caller_has_no_password() {
    let image = b"root:*:1:0:99999:7:::\nme:$y$x:1::::::\n";
    assert_eq!(
        text(shadow(image, &user("me", 1, "me", 1))),
        "root:*:1:0:99999:7:::\nme:*:20000:0:99999:7:::\n"
    );
}
