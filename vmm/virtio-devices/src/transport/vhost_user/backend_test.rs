#![allow(clippy::unwrap_used, reason = "test code")]

use std::io::{Read, Write};

use vhost::vhost_user::message::{VhostUserHeaderFlag, VhostUserProtocolFeatures};
use vhost::vhost_user::{Frontend, VhostUserFrontend};
use vhost::{VhostBackend, VhostUserMemoryRegionInfo, VringConfigData};

use super::super::fixture::{backend, memfd, shared_memory};
use super::*;
use crate::event::Event;
use crate::rng::Rng;
use crate::testing::Driver;
use crate::vsock::Vsock;
use std::os::fd::AsRawFd;

/// Where this monitor claims to have guest memory mapped.
const VIEW: u64 = 0x7f00_0000_0000;

/// A monitor that sends what it likes.
struct Monitor {
    frontend: Frontend,
    driver: Driver,
    kicks: Vec<Event>,
    calls: Vec<Event>,
    errors: Vec<Event>,
}

impl Monitor {
    fn new(socket: UnixStream, sizes: &[u16], gated: bool) -> Self {
        let mut frontend = Frontend::from_stream(socket, 8);
        let offered = frontend.get_features().unwrap();
        frontend.set_owner().unwrap();
        let mut gate = 0;
        if gated {
            gate = PROTOCOL_FEATURES;
            frontend.get_protocol_features().unwrap();
            frontend.set_protocol_features(VhostUserProtocolFeatures::REPLY_ACK).unwrap();
            frontend.set_hdr_flags(VhostUserHeaderFlag::NEED_REPLY);
        }
        frontend.set_features((offered & !PROTOCOL_FEATURES) | gate).unwrap();
        let events = || sizes.iter().map(|_| Event::new().unwrap()).collect();
        let monitor = Self {
            frontend,
            driver: Driver::with_memory(shared_memory(), sizes, features::ALL),
            kicks: events(),
            calls: events(),
            errors: events(),
        };
        monitor.set_memory();
        monitor
    }

    fn set_memory(&self) {
        use vm_memory::{GuestMemoryBackend, GuestMemoryRegion};
        let regions: Vec<VhostUserMemoryRegionInfo> = self
            .driver
            .memory
            .iter()
            .map(|region| {
                let mut info = VhostUserMemoryRegionInfo::from_guest_region(region).unwrap();
                info.userspace_addr = VIEW + region.start_addr().0;
                info
            })
            .collect();
        self.frontend.set_mem_table(&regions).unwrap();
    }

    fn set_up(&self, index: usize) {
        let ring = &self.driver.rings[index];
        self.frontend.set_vring_num(index, ring.size).unwrap();
        self.frontend.set_vring_base(index, 0).unwrap();
        let addresses = VringConfigData {
            desc_table_addr: VIEW + ring.desc_table,
            avail_ring_addr: VIEW + ring.avail_ring,
            used_ring_addr: VIEW + ring.used_ring,
            ..VringConfigData::default()
        };
        self.frontend.set_vring_addr(index, &addresses).unwrap();
        self.frontend.set_vring_call(index, self.calls[index].as_eventfd()).unwrap();
        self.frontend.set_vring_err(index, self.errors[index].as_eventfd()).unwrap();
    }

    fn kick(&self, index: usize) {
        self.frontend.set_vring_kick(index, self.kicks[index].as_eventfd()).unwrap();
    }

    fn request(&mut self) -> u32 {
        self.driver.add(0, &[], &[16]);
        self.kicks[0].signal().unwrap();
        self.driver.wait(0).written
    }
}

#[test]
fn queues_wait_to_be_enabled() {
    let (socket, served) = backend(Rng::new());
    let mut monitor = Monitor::new(socket, &[64], true);
    monitor.set_up(0);
    monitor.kick(0);
    monitor.driver.add(0, &[], &[16]);
    monitor.kicks[0].signal().unwrap();
    // An answer to this means that all before it was handled.
    monitor.frontend.set_vring_enable(0, false).unwrap();
    assert!(monitor.driver.used(0).is_none());
    monitor.frontend.set_vring_enable(0, true).unwrap();
    assert_eq!(monitor.driver.wait(0).written, 16);
    assert_eq!(monitor.request(), 16);
    monitor.frontend.set_vring_enable(0, false).unwrap();
    monitor.driver.add(0, &[], &[16]);
    monitor.kicks[0].signal().unwrap();
    assert_eq!(monitor.frontend.get_vring_base(0).unwrap(), 2);
    assert!(monitor.driver.used(0).is_none());
    drop(monitor);
    served.join().unwrap().unwrap();
}

#[test]
fn without_protocol_features_a_kick_event_is_enough() {
    let (socket, served) = backend(Rng::new());
    let mut monitor = Monitor::new(socket, &[64], false);
    monitor.set_up(0);
    monitor.kick(0);
    assert_eq!(monitor.request(), 16);
    assert!(monitor.calls[0].take().is_ok());
    assert_eq!(monitor.frontend.get_vring_base(0).unwrap(), 1);
    monitor.driver.add(0, &[], &[16]);
    monitor.kicks[0].signal().unwrap();
    assert_eq!(monitor.frontend.get_vring_base(0).unwrap(), 1);
    assert!(monitor.driver.used(0).is_none());
    monitor.frontend.set_vring_base(0, 1).unwrap();
    monitor.kick(0);
    assert_eq!(monitor.driver.wait(0).written, 16);
    drop(monitor);
    served.join().unwrap().unwrap();
}

#[test]
fn memory_changes_under_a_running_device() {
    let (socket, served) = backend(Rng::new());
    let mut monitor = Monitor::new(socket, &[64], true);
    monitor.set_up(0);
    monitor.kick(0);
    monitor.frontend.set_vring_enable(0, true).unwrap();
    for _ in 0..10 {
        assert_eq!(monitor.request(), 16);
        monitor.set_memory();
    }
    assert_eq!(monitor.request(), 16);
    assert_eq!(monitor.frontend.get_vring_base(0).unwrap(), 11);
    drop(monitor);
    served.join().unwrap().unwrap();
}

#[test]
fn a_new_call_event_is_raised_and_used() {
    let (socket, _served) = backend(Rng::new());
    let mut monitor = Monitor::new(socket, &[64], true);
    monitor.set_up(0);
    monitor.kick(0);
    monitor.frontend.set_vring_enable(0, true).unwrap();
    let call = Event::new().unwrap();
    monitor.frontend.set_vring_call(0, call.as_eventfd()).unwrap();
    assert!(call.take().is_ok());
    assert_eq!(monitor.request(), 16);
    while call.take().is_err() {
        std::thread::yield_now();
    }
}

/// As QEMU does it: the event queue is never mentioned.
#[test]
fn a_vsock_device_runs_without_its_event_queue() {
    for gated in [false, true] {
        let (socket, served) = backend(Vsock::new(3, Vec::new()));
        let mut monitor = Monitor::new(socket, &[128, 128], gated);
        for index in 0..2 {
            monitor.set_up(index);
            monitor.kick(index);
        }
        if gated {
            for index in 0..2 {
                monitor.frontend.set_vring_enable(index, true).unwrap();
            }
        }
        // A request to a port that does not exist.
        let mut packet = [0; 44];
        packet[0] = 3;
        packet[8] = 2;
        packet[28] = 1;
        packet[30] = 1;
        monitor.driver.add(0, &[], &[64]);
        monitor.driver.add(1, &[&packet], &[]);
        monitor.kicks[1].signal().unwrap();
        let reset = monitor.driver.wait(0);
        assert_eq!((reset.written, reset.data[30]), (44, 3));
        drop(monitor);
        served.join().unwrap().unwrap();
    }
}

#[test]
fn rings_outside_memory_are_reported_and_survived() {
    let (socket, served) = backend(Rng::new());
    let mut monitor = Monitor::new(socket, &[64], true);
    for address in [0, VIEW - 16, VIEW + (16 << 20) - 16, VIEW + (16 << 20), 1 << 32, !0xf] {
        monitor.set_up(0);
        let addresses = VringConfigData {
            desc_table_addr: address,
            avail_ring_addr: VIEW,
            used_ring_addr: VIEW + 4096,
            ..VringConfigData::default()
        };
        monitor.frontend.set_vring_addr(0, &addresses).unwrap();
        monitor.kick(0);
        monitor.frontend.set_vring_enable(0, true).unwrap();
        assert!(monitor.errors[0].take().is_ok(), "{address:#x}");
        assert_eq!(monitor.frontend.get_vring_base(0).unwrap(), 0);
        monitor.frontend.set_vring_enable(0, false).unwrap();
    }
    monitor.set_up(0);
    monitor.kick(0);
    monitor.frontend.set_vring_enable(0, true).unwrap();
    assert_eq!(monitor.request(), 16);
    drop(monitor);
    served.join().unwrap().unwrap();
}

#[test]
fn what_is_out_of_range_ends_the_connection() {
    type Case = (&'static str, fn(&Frontend) -> vhost::Result<()>);
    let cases: [Case; 6] = [
        ("size", |it| it.set_vring_num(0, 3)),
        ("size", |it| it.set_vring_num(0, 2048)),
        ("size", |it| it.set_vring_num(0, 0)),
        ("queue", |it| it.set_vring_num(1, 64)),
        ("queue", |it| it.get_vring_base(1).map(drop)),
        ("features", |it| it.set_features(1 << 34)),
    ];
    for (what, case) in cases {
        let (socket, served) = backend(Rng::new());
        let monitor = Monitor::new(socket, &[64], true);
        case(&monitor.frontend).unwrap_err();
        let error = served.join().unwrap().unwrap_err();
        let right = match what {
            "size" => matches!(error, Error::Range { index: 0, what: "size", .. }),
            "queue" => matches!(error, Error::NoSuchQueue(1)),
            _ => matches!(error, Error::Features(_)),
        };
        assert!(right, "{what}: {error:?}");
    }
}

#[test]
fn memory_that_is_not_there_ends_the_connection() {
    let (socket, served) = backend(Rng::new());
    let monitor = Monitor::new(socket, &[64], true);
    let file = memfd(4096);
    let region = VhostUserMemoryRegionInfo {
        guest_phys_addr: 0,
        memory_size: 8192,
        userspace_addr: 0,
        mmap_offset: 0,
        mmap_handle: file.as_raw_fd(),
    };
    monitor.frontend.set_mem_table(&[region]).unwrap_err();
    let error = served.join().unwrap().unwrap_err();
    assert!(matches!(error, Error::Memory(_)), "{error:?}");
}

#[test]
fn a_message_that_is_none_ends_the_connection() {
    let (mut socket, served) = backend(Rng::new());
    socket.write_all(&[0xff; 64]).unwrap();
    let error = served.join().unwrap().unwrap_err();
    assert!(matches!(error, Error::Protocol(_)), "{error:?}");
    let mut rest = Vec::new();
    let _ = socket.read_to_end(&mut rest);
    assert!(rest.is_empty());
}

#[test]
fn a_closed_socket_is_the_end() {
    let (socket, served) = backend(Rng::new());
    drop(socket);
    served.join().unwrap().unwrap();
}
