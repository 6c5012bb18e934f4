//! Reads a flattened device tree back.

use std::collections::BTreeMap;

/// Properties by node's path and name.
pub type Tree = BTreeMap<String, BTreeMap<String, Vec<u8>>>;

/// The tree that `bytes` begin with.
pub fn read(bytes: &[u8]) -> Tree {
    let word = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let text = |at: usize| {
        let end = at + bytes[at..].iter().position(|byte| *byte == 0).unwrap();
        std::str::from_utf8(&bytes[at..end]).unwrap().to_owned()
    };
    assert_eq!(word(0), 0xd00d_feed);
    assert!(word(4) <= bytes.len() && word(20) <= 17);
    let (mut at, strings) = (word(8), word(12));
    let mut path: Vec<String> = Vec::new();
    let mut tree = Tree::new();
    loop {
        let token = word(at);
        at += 4;
        let here = || format!("/{}", path[1..].join("/"));
        match token {
            1 => {
                let name = text(at);
                at += (name.len() + 1).next_multiple_of(4);
                path.push(name);
                let new = tree.insert(format!("/{}", path[1..].join("/")), BTreeMap::new());
                assert!(new.is_none(), "two nodes of one name");
            }
            2 => drop(path.pop().unwrap()),
            3 => {
                let (length, name) = (word(at), text(strings + word(at + 4)));
                let value = bytes[at + 8..at + 8 + length].to_vec();
                tree.get_mut(&here()).unwrap().insert(name, value);
                at += (8 + length).next_multiple_of(4);
            }
            9 => break,
            other => panic!("token {other}"),
        }
    }
    assert!(path.is_empty());
    tree
}

/// A property's 32-bit cells.
pub fn cells(value: &[u8]) -> Vec<u32> {
    value.chunks_exact(4).map(|cell| u32::from_be_bytes(cell.try_into().unwrap())).collect()
}
