#![allow(clippy::unwrap_used)]
use vm_memory::ByteValued;

use crate::fs::guest::Guest;
use crate::fs::opcode::Opcode;
use crate::fs::wire::{BatchForgetIn, ForgetOne, ROOT_ID};

#[test]
fn a_node_lives_until_each_lookup_is_forgotten_and_not_longer() {
    let mut guest = Guest::new();
    std::fs::write(guest.dir.join("a"), "").unwrap();
    let node = guest.node("a");
    assert_eq!(guest.node("a"), node);
    guest.forget(node, 1);
    guest.getattr(node).unwrap();
    guest.forget(node, 1);
    assert!(guest.getattr(node).is_err());
    // A file that is known no more gets a new id.
    assert_ne!(guest.node("a"), node);
}

#[test]
fn forgetting_too_much_is_forgetting_all() {
    let mut guest = Guest::new();
    std::fs::write(guest.dir.join("a"), "").unwrap();
    let node = guest.node("a");
    guest.forget(node, u64::MAX);
    guest.forget(node, u64::MAX);
    guest.forget(0, 1);
    guest.forget(ROOT_ID, u64::MAX);
    guest.getattr(ROOT_ID).unwrap();
    assert_eq!(guest.server.passthrough().known(), 1);
}

#[test]
fn a_batch_forgets_what_it_holds_whatever_it_says() {
    let mut guest = Guest::new();
    for name in ["a", "b", "c"] {
        std::fs::write(guest.dir.join(name), "").unwrap();
    }
    let nodes = ["a", "b", "c"].map(|name| guest.node(name));
    let mut batch = BatchForgetIn { count: u32::MAX, dummy: 0 }.as_slice().to_vec();
    for nodeid in &nodes[..2] {
        batch.extend_from_slice(ForgetOne { nodeid: *nodeid, nlookup: 1 }.as_slice());
    }
    batch.extend_from_slice(&[0; 15]);
    guest.tell(Opcode::BatchForget, 0, &batch);
    assert_eq!(guest.server.passthrough().known(), 2);
    guest.getattr(nodes[2]).unwrap();
    guest.tell(Opcode::BatchForget, 0, &batch[..5]);
}

#[test]
fn hard_links_are_one_node() {
    let mut guest = Guest::new();
    std::fs::write(guest.dir.join("a"), "").unwrap();
    std::fs::hard_link(guest.dir.join("a"), guest.dir.join("b")).unwrap();
    assert_eq!(guest.node("a"), guest.node("b"));
}
