#![allow(clippy::unwrap_used)]

use std::future::Future;
use std::time::Duration;

use tokio::task::{LocalSet, spawn_local, yield_now};

use super::*;
use crate::link::State;
use crate::testing::{packet_pair, status};

/// Runs a client with the other end in the test's hands.
fn play<F: Future<Output = ()>>(test: impl FnOnce(Rc<Link>, OwnedFd) -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (supplier, link) = packet_pair();
    LocalSet::new().block_on(&runtime, async {
        let link = Link::new(link).unwrap();
        let running = Rc::clone(&link);
        spawn_local(async move { running.run().await });
        let patience = Duration::from_secs(20);
        tokio::time::timeout(patience, test(link, supplier)).await.unwrap();
    });
}

/// Lets the others run until they wait.
async fn settle() {
    for _ in 0..20 {
        yield_now().await;
    }
}

fn asked(supplier: &OwnedFd) -> Packet<Ask> {
    let mut inbox = Inbox::new();
    let received = inbox.receive(supplier.as_fd()).unwrap().unwrap();
    packet::parse(received.bytes).unwrap()
}

fn answer(supplier: &OwnedFd, id: u32, body: Answer) {
    packet::send(supplier.as_fd(), &Packet { id, body }, None).unwrap();
}

#[test]
fn answers_come_in_any_order() {
    play(|link, supplier| async move {
        let other = Rc::clone(&link);
        let first = spawn_local(async move { other.status().await });
        let second = spawn_local(async move { link.switch("x").await });
        settle().await;
        let (mut a, mut b) = (asked(&supplier), asked(&supplier));
        if a.body != Ask::Status {
            std::mem::swap(&mut a, &mut b);
        }
        assert_ne!(a.id, b.id);
        let loaded = status(State::Running);
        answer(&supplier, b.id, Answer::Switched(loaded.clone()));
        answer(&supplier, a.id, Answer::Status(loaded.clone()));
        assert_eq!(first.await.unwrap(), Ok(loaded.clone()));
        assert_eq!(second.await.unwrap(), Ok(loaded));
    });
}

// Where a socket keeps them apart, any bytes are a packet.
#[cfg(target_os = "linux")]
#[test]
fn strange_packets_are_dropped() {
    use crate::{link::MAX_PACKET, sys::SEND};

    play(|link, supplier| async move {
        let asking = Rc::clone(&link);
        let asking = spawn_local(async move { asking.status().await });
        settle().await;
        let id = asked(&supplier).id;
        let long = vec![b' '; MAX_PACKET + 1];
        for bytes in [&b"x"[..], b"[]", b"\xff\0", &long] {
            rustix::net::send(&supplier, bytes, SEND).unwrap();
        }
        answer(&supplier, id.wrapping_add(9), Answer::Connected);
        answer(&supplier, id, Answer::Status(status(State::Idle)));
        assert_eq!(asking.await.unwrap(), Ok(status(State::Idle)));
        // Another answer than was asked for, and a connection without one.
        for body in [Answer::Models(Vec::new()), Answer::Connected] {
            let asking = Rc::clone(&link);
            let asking = spawn_local(async move { asking.connect(true).await.map(drop) });
            settle().await;
            answer(&supplier, asked(&supplier).id, body);
            assert!(matches!(asking.await.unwrap(), Err(Failure::Down(_))));
        }
    });
}

#[test]
fn the_supplier_is_told_of_an_arrival() {
    play(|link, supplier| async move {
        settle().await;
        link.arrived(5);
        assert_eq!(asked(&supplier), Packet { id: 5, body: Ask::Arrived });
    });
}

#[test]
fn a_supplier_that_goes_fails_everything() {
    play(|link, supplier| async move {
        let asking = Rc::clone(&link);
        let asking = spawn_local(async move { asking.connect(true).await.map(drop) });
        settle().await;
        drop(supplier);
        assert!(matches!(asking.await.unwrap(), Err(Failure::Down(_))));
        assert!(matches!(link.status().await, Err(Failure::Down(_))));
    });
}

#[test]
fn those_who_give_up_keep_their_place_until_the_answer() {
    play(|link, supplier| async move {
        for _ in 0..MAX_WAITING {
            let asking = Rc::clone(&link);
            let asking = spawn_local(async move { asking.connect(true).await.map(drop) });
            settle().await;
            asking.abort();
        }
        let late = Rc::clone(&link);
        let late = spawn_local(async move { late.connect(true).await.map(drop) });
        settle().await;
        let ids: Vec<u32> = (0..MAX_WAITING).map(|_| asked(&supplier).id).collect();
        assert_eq!(link.waiting.available_permits(), 0, "the last one waits for its turn");
        answer(&supplier, ids[0], Answer::Failed(Failure::Loading));
        while link.pending.borrow().contains_key(&ids[0]) {
            tokio::task::yield_now().await;
        }
        settle().await;
        answer(&supplier, asked(&supplier).id, Answer::Failed(Failure::Busy));
        assert_eq!(late.await.unwrap(), Err(Failure::Busy));
    });
}
