#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]
use super::*;
use crate::testing::Random;

/// One request as the fuzzer's bytes have it.
fn request(opcode: Opcode, node: u8, body: &[u8]) -> Vec<u8> {
    let kind = Opcode::ALL.iter().position(|known| *known == opcode).unwrap();
    let mut body = body.to_vec();
    body.resize(body.len().next_multiple_of(4), 0);
    [&[kind as u8, (body.len() / 4) as u8, node][..], &body].concat()
}

/// Sessions that work: names, nodes and handles are those that a fresh server gives out.
fn sessions() -> Vec<Vec<u8>> {
    let u32s = |values: &[u32]| -> Vec<u8> {
        values.iter().flat_map(|value| value.to_le_bytes()).collect()
    };
    let fh = |number: u64, rest: usize| [&number.to_le_bytes()[..], &vec![0; rest]].concat();
    let create = [&u32s(&[0o102, 0o644, 0, 0])[..], b"a\0"].concat();
    let write = [&fh(1, 8)[..], &u32s(&[5, 0]), &[0; 16], b"hello"].concat();
    let read = [&fh(1, 8)[..], &u32s(&[100, 0]), &[0; 16]].concat();
    let listing = [&fh(2, 8)[..], &u32s(&[4096, 0]), &[0; 16]].concat();
    let lock = [&fh(1, 8)[..], &[0; 8], &9_u64.to_le_bytes(), &u32s(&[1, 0, 0, 0])].concat();
    vec![
        [
            request(Opcode::Create, 1, &create),
            request(Opcode::Write, 2, &write),
            request(Opcode::Read, 2, &read),
            request(Opcode::Setlk, 2, &lock),
            request(Opcode::Setlkw, 2, &[&lock[..8], &[9], &lock[9..]].concat()),
            request(Opcode::Lseek, 2, &[&fh(1, 8)[..], &u32s(&[3, 0])].concat()),
            request(Opcode::Setxattr, 2, &[&u32s(&[1, 0])[..], b"user.a\0v"].concat()),
            request(Opcode::Getxattr, 2, &[&u32s(&[64, 0])[..], b"user.a\0"].concat()),
            request(Opcode::Listxattr, 2, &u32s(&[64, 0])),
            request(Opcode::Removexattr, 2, b"user.a\0"),
            request(Opcode::Fallocate, 2, &[&fh(1, 8)[..], &fh(4096, 8)].concat()),
            request(
                Opcode::CopyFileRange,
                2,
                &[1_u64, 0, 2, 1, 100, 5, 0].map(u64::to_le_bytes).concat(),
            ),
            request(Opcode::Release, 2, &fh(1, 16)),
            request(Opcode::Forget, 2, &fh(1, 0)),
        ]
        .concat(),
        [
            request(Opcode::Mkdir, 1, &[&u32s(&[0o755, 0])[..], b"d\0"].concat()),
            request(Opcode::Symlink, 2, b"l\0/etc/passwd\0"),
            request(Opcode::Mknod, 2, &[&u32s(&[0o100_644, 0, 0, 0])[..], b"f\0"].concat()),
            request(Opcode::Link, 2, &[&fh(4, 0)[..], b"g\0"].concat()),
            request(Opcode::Rename2, 2, &[&fh(1, 0)[..], &u32s(&[1, 0]), b"g\0h\0"].concat()),
            request(Opcode::Opendir, 2, &[0; 8]),
            request(Opcode::Readdirplus, 2, &[&fh(1, 8)[..], &listing[16..]].concat()),
            request(Opcode::Opendir, 1, &[0; 8]),
            request(Opcode::Readdir, 1, &listing),
            request(Opcode::Readlink, 3, &[]),
            request(Opcode::Getattr, 2, &[0; 16]),
            request(Opcode::Setattr, 4, &[&u32s(&[9, 0])[..], &[0; 80]].concat()),
            request(Opcode::Unlink, 2, b"l\0"),
            request(Opcode::BatchForget, 0, &[&u32s(&[2, 0])[..], &fh(3, 8), &fh(4, 8)].concat()),
            request(Opcode::Destroy, 0, &[]),
        ]
        .concat(),
    ]
}

#[test]
fn any_bytes_are_survived() {
    let dir = Scratch::new().unwrap();
    let mut random = Random::new(0xf5);
    for _ in 0..1000 {
        let length = random.below(600);
        session(&dir, &random.bytes(length));
    }
}

#[test]
fn sessions_that_work_and_go_wrong_in_places_are_survived() {
    let mut random = Random::new(0x15);
    for valid in sessions() {
        let dir = Scratch::new().unwrap();
        session(&dir, &valid);
        assert_ne!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        for _ in 0..600 {
            let mut data = valid.clone();
            random.mutate(&mut data);
            session(&dir, &data);
        }
    }
}

#[test]
fn nothing_is_made_outside_the_directory() {
    let outer = Scratch::new().unwrap();
    std::fs::write(outer.join("canary"), "untouched").unwrap();
    let inner = outer.join("share");
    std::fs::create_dir(&inner).unwrap();
    let share = Scratch::at(inner);
    let mut random = Random::new(0xca);
    for valid in sessions() {
        // Names become attacks: each keeps its length.
        for attack in [&b"../x"[..], b"/tmp", b"..", b"."] {
            let mut data = valid.clone();
            for at in 0..data.len().saturating_sub(attack.len()) {
                if random.below(8) == 0 {
                    data[at..at + attack.len()].copy_from_slice(attack);
                }
            }
            session(&share, &data);
        }
    }
    let mut names: Vec<_> =
        std::fs::read_dir(outer.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["canary", "share"]);
    assert_eq!(std::fs::read(outer.join("canary")).unwrap(), b"untouched");
}
