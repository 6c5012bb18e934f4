#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]
use rustix::fs::{XattrFlags, setxattr};
use rustix::io::Errno;

use crate::fs::guest::{Guest, body, first, name};
use crate::fs::opcode::Opcode;
use crate::fs::wire::{GetxattrIn, ROOT_ID, SetxattrIn, SizeOut};
use vm_memory::ByteValued;

fn set(guest: &mut Guest, node: u64, text: &str, value: &[u8], flags: u32) -> Result<(), Errno> {
    let request = SetxattrIn { size: value.len() as u32, flags };
    let mut request = body(&request, &[text]);
    request.extend_from_slice(value);
    guest.call(Opcode::Setxattr, node, &request).map(|_| ())
}

fn get(guest: &mut Guest, node: u64, text: &str, size: u32) -> Result<Vec<u8>, Errno> {
    let request = GetxattrIn { size, padding: 0 };
    guest.call(Opcode::Getxattr, node, &body(&request, &[text]))
}

fn list(guest: &mut Guest, node: u64, size: u32) -> Result<Vec<u8>, Errno> {
    guest.call(Opcode::Listxattr, node, GetxattrIn { size, padding: 0 }.as_slice())
}

#[test]
fn attributes_of_users_pass() {
    let mut guest = Guest::new();
    std::fs::write(guest.dir.join("a"), "").unwrap();
    for node in [guest.node("a"), ROOT_ID] {
        set(&mut guest, node, "user.one", b"1", 0).unwrap();
        set(&mut guest, node, "user.two", &[7; 1000], 1).unwrap();
        assert_eq!(set(&mut guest, node, "user.two", b"", 1).unwrap_err(), Errno::EXIST);
        assert_eq!(set(&mut guest, node, "user.three", b"", 2).unwrap_err(), Errno::NODATA);
        assert_eq!(set(&mut guest, node, "user.three", b"", 4).unwrap_err(), Errno::INVAL);
        assert_eq!(get(&mut guest, node, "user.one", 100).unwrap(), b"1");
        let size: SizeOut = first(&get(&mut guest, node, "user.two", 0).unwrap());
        assert_eq!(size.size, 1000);
        assert_eq!(get(&mut guest, node, "user.two", 1000).unwrap(), [7; 1000]);
        assert_eq!(get(&mut guest, node, "user.two", 999).unwrap_err(), Errno::RANGE);
        let size: SizeOut = first(&list(&mut guest, node, 0).unwrap());
        assert_eq!(size.size, 18);
        let mut names: Vec<_> = list(&mut guest, node, 18)
            .unwrap()
            .split(|byte| *byte == 0)
            .map(<[u8]>::to_vec)
            .collect();
        names.sort();
        assert_eq!(names, [&b""[..], b"user.one", b"user.two"]);
        assert_eq!(list(&mut guest, node, 17).unwrap_err(), Errno::RANGE);
        guest.call(Opcode::Removexattr, node, &name("user.one")).unwrap();
        assert_eq!(get(&mut guest, node, "user.one", 10).unwrap_err(), Errno::NODATA);
    }
}

#[test]
fn all_others_neither_pass_nor_show() {
    let mut guest = Guest::new();
    let path = guest.dir.join("a");
    std::fs::write(&path, "").unwrap();
    // Only a privileged test can plant one; the rest holds anyhow.
    let _ = setxattr(&path, c"trusted.host", b"secret", XattrFlags::empty());
    let node = guest.node("a");
    for (text, none) in [
        ("security.capability", Errno::NODATA),
        ("security.selinux", Errno::NODATA),
        ("trusted.host", Errno::NODATA),
        ("system.posix_acl_access", Errno::OPNOTSUPP),
        ("user", Errno::OPNOTSUPP),
        ("User.a", Errno::OPNOTSUPP),
        ("nonsense", Errno::OPNOTSUPP),
    ] {
        assert_eq!(set(&mut guest, node, text, b"x", 0).unwrap_err(), Errno::OPNOTSUPP, "{text}");
        assert_eq!(get(&mut guest, node, text, 100).unwrap_err(), none, "{text}");
        let removed = guest.call(Opcode::Removexattr, node, &name(text));
        assert_eq!(removed.unwrap_err(), Errno::OPNOTSUPP, "{text}");
    }
    assert!(list(&mut guest, node, 1000).unwrap().is_empty());
    assert_eq!(set(&mut guest, node, "", b"x", 0).unwrap_err(), Errno::RANGE);
}

#[test]
fn links_and_fifos_have_none() {
    let mut guest = Guest::new();
    let link = guest.symlink("link", "/etc/passwd").unwrap().nodeid;
    assert_eq!(set(&mut guest, link, "user.a", b"x", 0).unwrap_err(), Errno::PERM);
    assert_eq!(get(&mut guest, link, "user.a", 10).unwrap_err(), Errno::NODATA);
    assert!(list(&mut guest, link, 100).unwrap().is_empty());
}
