#![allow(clippy::unwrap_used, reason = "test code")]

use std::os::fd::AsFd;
use std::thread;

use rustix::event::{PollFd, PollFlags, Timespec};

use super::super::fixture::{Events, backend, shared_memory};
use super::*;
use crate::queue::features;
use crate::rng::Rng;
use crate::testing::Driver;
use crate::vsock::Vsock;

const RNG: u32 = 4;
const SIZES: [u16; 1] = [64];

fn driver() -> Driver {
    Driver::with_memory(shared_memory(), &SIZES, features::ALL)
}

fn activation(driver: &Driver, events: &Arc<Events>) -> Activation {
    Activation { interrupt: events.clone(), ..driver.activation() }
}

fn hung_up(device: &VhostUser) -> bool {
    let fd = device.hangup_fd().unwrap();
    let mut polled = [PollFd::new(&fd, PollFlags::empty())];
    rustix::event::poll(&mut polled, Some(&Timespec::default())).unwrap();
    polled[0].revents().contains(PollFlags::HUP)
}

#[test]
fn a_device_works_from_another_process() {
    let (socket, served) = backend(Rng::new());
    let mut device = VhostUser::new(RNG, SIZES.to_vec(), socket, Vec::new()).unwrap();
    assert_eq!(device.features(), Rng::new().features());
    assert_eq!(device.features() & PROTOCOL_FEATURES, 0);
    let mut driver = driver();
    let events = Events::new(1);
    device.activate(activation(&driver, &events)).unwrap();
    for _ in 0..100 {
        let used = driver.request(0, &[], &[32, 32]);
        assert_eq!(used.written, 64);
        assert_ne!(used.data, [0; 64]);
    }
    while !events.take(0) {
        thread::yield_now();
    }
    let queues = device.reset();
    assert_eq!(queues.len(), 1);
    assert_eq!((queues[0].queue.next_avail(), queues[0].queue.next_used()), (100, 100));
    assert!(device.reset().is_empty());

    // A chain that comes while the device stands still waits.
    driver.send(0, &[], &[16]);
    thread::yield_now();
    assert!(driver.used(0).is_none());
    let activation = Activation { queues, ..activation(&driver, &events) };
    device.activate(activation).unwrap();
    assert_eq!(driver.wait(0).written, 16);
    assert_eq!(device.reset()[0].queue.next_avail(), 101);
    assert!(!hung_up(&device));
    drop(device);
    served.join().unwrap().unwrap();
}

#[test]
fn the_end_of_the_other_process_is_noticed() {
    let (socket, other) = UnixStream::pair().unwrap();
    let switch = other.try_clone().unwrap();
    let served = thread::spawn(move || super::super::serve(&mut Rng::new(), other));
    let mut device = VhostUser::new(RNG, SIZES.to_vec(), socket, Vec::new()).unwrap();
    let driver = driver();
    let events = Events::new(1);
    device.activate(activation(&driver, &events)).unwrap();
    assert!(!hung_up(&device));
    assert_eq!(events.recording.reset_count(), 0);
    switch.shutdown(std::net::Shutdown::Both).unwrap();
    events.recording.wait_reset();
    assert!(hung_up(&device));
    served.join().unwrap().unwrap();
    assert_eq!(device.reset().len(), 1);
    let result = device.activate(activation(&driver, &events));
    assert!(matches!(result, Err(ActivateError::Backend(_))));
}

#[test]
fn a_broken_queue_is_reported_and_survived() {
    let (socket, _served) = backend(Rng::new());
    let mut device = VhostUser::new(RNG, SIZES.to_vec(), socket, Vec::new()).unwrap();
    let mut broken = driver();
    let events = Events::new(1);
    device.activate(activation(&broken, &events)).unwrap();
    broken.rings[0].publish(64);
    broken.ring(0);
    events.recording.wait_reset();
    device.reset();
    let mut driver = driver();
    device.activate(activation(&driver, &Events::new(1))).unwrap();
    assert_eq!(driver.request(0, &[], &[8]).written, 8);
}

#[test]
fn configuration_comes_from_the_backend() {
    let (socket, _served) = backend(Vsock::new(0x0102_0304, Vec::new()));
    let mut device = VhostUser::new(19, vec![128; 3], socket, vec![0xff; 8]).unwrap();
    let mut data = [0xee; 8];
    device.read_config(0, &mut data);
    assert_eq!(data, [4, 3, 2, 1, 0, 0, 0, 0]);
    device.read_config(3, &mut data[..2]);
    assert_eq!(data[..2], [1, 0]);
    device.read_config(1 << 40, &mut data);
    assert_eq!(data, [0; 8]);
    device.write_config(0, &[9; 8]);
    device.read_config(0, &mut data[..1]);
    assert_eq!(data[0], 4);
}

#[test]
fn a_backend_without_enough_queues_is_refused() {
    let (socket, served) = backend(Rng::new());
    let result = VhostUser::new(RNG, vec![64; 2], socket, Vec::new());
    assert!(matches!(result, Err(NewError::Queues { served: 1, wanted: 2 })));
    served.join().unwrap().unwrap();
}

#[test]
fn a_closed_socket_is_refused() {
    let (socket, other) = UnixStream::pair().unwrap();
    drop(other);
    let result = VhostUser::new(RNG, SIZES.to_vec(), socket, Vec::new());
    assert!(matches!(result, Err(NewError::Handshake(_))));
}

#[test]
fn memory_that_cannot_be_shared_is_refused() {
    let (socket, _served) = backend(Rng::new());
    let mut device = VhostUser::new(RNG, SIZES.to_vec(), socket, Vec::new()).unwrap();
    let driver = Driver::new(&SIZES, features::ALL);
    let result = device.activate(activation(&driver, &Events::new(1)));
    assert!(matches!(result, Err(ActivateError::Backend(_))));
    assert!(hung_up(&device));
}

#[test]
fn an_interrupt_without_events_is_refused() {
    let (socket, _served) = backend(Rng::new());
    let mut device = VhostUser::new(RNG, SIZES.to_vec(), socket, Vec::new()).unwrap();
    let result = device.activate(driver().activation());
    assert!(matches!(result, Err(ActivateError::Backend(_))));
}

#[test]
fn what_the_backend_offers_is_masked() {
    let (socket, other) = UnixStream::pair().unwrap();
    let peer = thread::spawn(move || {
        use std::io::{Read, Write};
        let mut other = other;
        let mut header = [0; 12];
        // GET_FEATURES: everything but protocol features.
        other.read_exact(&mut header).unwrap();
        let features: u64 = !PROTOCOL_FEATURES;
        let reply = [&[1, 0, 0, 0, 5, 0, 0, 0, 8, 0, 0, 0][..], &features.to_le_bytes()];
        other.write_all(&reply.concat()).unwrap();
        // SET_OWNER
        other.read_exact(&mut header).unwrap();
        other
    });
    let device = VhostUser::new(RNG, SIZES.to_vec(), socket, vec![1, 2, 3]).unwrap();
    assert_eq!(device.features() & !features::ALL, 0xfffc_0000_00ff_ffff);
    let mut data = [9; 3];
    device.read_config(1, &mut data);
    assert_eq!(data, [2, 3, 0]);
    let socket = peer.join().unwrap();
    assert!(!hung_up(&device));
    drop(socket);
    assert!(hung_up(&device));
    assert!(device.hangup_fd().unwrap().as_fd().try_clone_to_owned().is_ok());
}
