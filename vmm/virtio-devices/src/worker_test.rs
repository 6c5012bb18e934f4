#![allow(clippy::unwrap_used)]

use std::sync::atomic::{AtomicUsize, Ordering};

use vm_memory::{Bytes, GuestAddress};

use super::*;
use crate::event::Event;
use crate::testing::Driver;

/// Echoes what it reads; notes how it was called.
struct Echo {
    woken: Arc<AtomicUsize>,
    timer: Option<Event>,
    deadline: Option<Instant>,
}

impl Echo {
    fn new() -> (Self, Arc<AtomicUsize>) {
        let woken = Arc::new(AtomicUsize::new(0));
        let echo = Self { woken: woken.clone(), timer: None, deadline: None };
        (echo, woken)
    }
}

impl Handler for Echo {
    fn start(&mut self, context: &mut Context) -> Result<(), WorkError> {
        if let Some(timer) = &self.timer {
            let fd = timer.as_raw_fd();
            let mut source = SourceFd(&fd);
            context.registry.register(&mut source, Token(7), Interest::READABLE)?;
        }
        Ok(())
    }

    fn queue(&mut self, context: &mut Context, index: u16) -> Result<(), WorkError> {
        self.woken.fetch_add(1, Ordering::SeqCst);
        context.drain(index, |chain, memory| {
            let mut data = vec![0; chain.readable_len()];
            chain.reader(memory)?.read_exact(&mut data)?;
            let mut writer = chain.writer(memory)?;
            writer.write_all(&data)?;
            Ok(u32::try_from(writer.written()).unwrap())
        })
    }

    fn event(&mut self, context: &mut Context, event: &mio::event::Event) -> Result<(), WorkError> {
        assert_eq!(event.token(), Token(7));
        context.interrupt.config();
        Ok(())
    }

    fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    fn expired(&mut self, context: &mut Context) -> Result<(), WorkError> {
        self.deadline = None;
        context.interrupt.config();
        Ok(())
    }
}

#[test]
fn requests_are_served_and_queues_come_back() {
    for features in [0, 1 << 29] {
        let mut driver = Driver::new(&[4, 8], features);
        driver.add(1, &[b"early"], &[5]);
        let (echo, _) = Echo::new();
        let worker = Worker::spawn("echo", echo, driver.activation()).unwrap();
        assert_eq!(driver.wait(1).answer(), b"early", "without a notification");
        for round in 0..100_u8 {
            assert_eq!(driver.request(0, &[&[round]], &[1]).answer(), [round]);
        }
        let stopped = worker.stop().unwrap();
        assert!(stopped.failure.is_none());
        let positions = stopped.queues.iter();
        let positions: Vec<_> = positions
            .map(|queue| (queue.index, queue.queue.next_avail(), queue.queue.next_used()))
            .collect();
        assert_eq!(positions, [(0, 100, 100), (1, 1, 1)]);
        assert!(driver.interrupt.queue_count(0) > 0);
    }
}

#[test]
fn a_broken_queue_parks_the_worker_until_it_is_stopped() {
    let mut driver = Driver::new(&[4, 4], 0);
    let (echo, woken) = Echo::new();
    let worker = Worker::spawn("echo", echo, driver.activation()).unwrap();
    assert_eq!(driver.request(1, &[b"x"], &[1]).answer(), b"x");
    driver.rings[0].set_available(100);
    driver.ring(0);
    driver.interrupt.wait_reset();
    let before = woken.load(Ordering::SeqCst);
    driver.send(1, &[b"x"], &[1]);
    let stopped = worker.stop().unwrap();
    assert!(matches!(stopped.failure, Some(WorkError::Queue(_))));
    assert_eq!(woken.load(Ordering::SeqCst), before);
    assert_eq!(driver.interrupt.reset_count(), 1);
    assert_eq!(driver.used(1), None);
}

#[test]
fn own_files_and_deadlines_wake_the_handler() {
    let driver = Driver::new(&[4], 0);
    let (mut echo, _) = Echo::new();
    let timer = Event::new().unwrap();
    echo.timer = Some(timer.try_clone().unwrap());
    echo.deadline = Some(Instant::now());
    let worker = Worker::spawn("echo", echo, driver.activation()).unwrap();
    timer.signal().unwrap();
    driver.interrupt.wait_config(2);
    assert!(worker.stop().unwrap().handler.deadline.is_none());
}

#[test]
fn a_dropped_worker_is_joined() {
    let driver = Driver::new(&[4], 0);
    let (echo, woken) = Echo::new();
    drop(Worker::spawn("echo", echo, driver.activation()).unwrap());
    assert_eq!(Arc::strong_count(&woken), 1);
}

/// Publishes its chain again each time, so that the queue never runs dry.
struct Busy {
    rounds: u16,
    calls: Arc<AtomicUsize>,
    avail_ring: u64,
}

impl Handler for Busy {
    fn queue(&mut self, context: &mut Context, index: u16) -> Result<(), WorkError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        context.drain(index, |_, memory| {
            self.rounds += 1;
            if self.rounds < 100 {
                let next = GuestAddress(self.avail_ring + 2);
                let value = self.rounds + 1;
                memory.store(value, next, Ordering::SeqCst).unwrap();
            }
            Ok(0)
        })
    }
}

#[test]
fn a_busy_driver_does_not_keep_the_worker() {
    let mut driver = Driver::new(&[4], 0);
    driver.rings[0].describe(0, 0x10_0000, 4, 0, 0);
    driver.rings[0].publish(0);
    let calls = Arc::new(AtomicUsize::new(0));
    let busy = Busy { rounds: 0, calls: calls.clone(), avail_ring: driver.rings[0].avail_ring };
    let worker = Worker::spawn("busy", busy, driver.activation()).unwrap();
    while driver.rings[0].used_index() < 100 {
        std::thread::yield_now();
    }
    let stopped = worker.stop().unwrap();
    assert!(stopped.failure.is_none());
    assert_eq!(stopped.handler.rounds, 100);
    assert!(calls.load(Ordering::SeqCst) >= 25, "four chains at a time");
}

/// Takes as long over a chain as the worker runs.
struct Slow(Arc<AtomicUsize>);

impl Handler for Slow {
    fn queue(&mut self, context: &mut Context, index: u16) -> Result<(), WorkError> {
        let stopping = Arc::clone(&context.stopping);
        context.drain(index, |_, _| {
            self.0.fetch_add(1, Ordering::SeqCst);
            while !stopping.load(Ordering::SeqCst) {
                std::thread::yield_now();
            }
            Ok(0)
        })
    }
}

#[test]
fn a_stop_waits_for_one_chain_and_not_for_a_queue_of_them() {
    let mut driver = Driver::new(&[4], 0);
    for _ in 0..3 {
        driver.add(0, &[], &[1]);
    }
    let served = Arc::new(AtomicUsize::new(0));
    let worker = Worker::spawn("slow", Slow(Arc::clone(&served)), driver.activation()).unwrap();
    while served.load(Ordering::SeqCst) == 0 {
        std::thread::yield_now();
    }
    let stopped = worker.stop().unwrap();
    assert!(stopped.failure.is_none());
    assert_eq!(served.load(Ordering::SeqCst), 1);
    assert_eq!(stopped.queues[0].queue.next_avail(), 1, "the others are still the driver's");
}
