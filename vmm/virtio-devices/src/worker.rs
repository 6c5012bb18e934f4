//! The thread that a device runs on: one event loop over doorbells, a kill event and the
//! device's own files.
//!
//! ```text
//!   Worker::spawn(name, handler, activation)
//!        │ start(), then queue() once for each queue (requests may be there already)
//!        ▼
//!   ┌─▶ wait ── doorbell ──▶ queue()      ── Ok ──┐
//!   │    │  └── own file ──▶ event()      ── Ok ──┤
//!   │    │  └── deadline ──▶ expired()    ── Ok ──┤
//!   └────┼─────────────────────────────────────── ┘
//!        │                 any of them ── Err ──▶ needs_reset(), sleep until killed
//!        ▼ kill
//!   Worker::stop: joined; the handler and the queues come back
//! ```

mod slot;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Registry, Token};
use std::os::fd::AsRawFd;

use crate::Memory;
use crate::device::{Activation, ActiveQueue, Interrupt};
use crate::event::Event;
use crate::queue::{Chain, Queue, QueueError};
pub use slot::Slot;

/// Handlers register their own files with tokens below this one.
pub const TOKENS_END: usize = usize::MAX - 65537;
const KILL: Token = Token(usize::MAX);

/// Why a worker cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    /// The driver broke a queue.
    #[error("the driver broke a queue")]
    Queue(#[from] QueueError),
    /// The host refused something that the device cannot do without.
    #[error("the device's worker met an error of the host")]
    Host(#[from] io::Error),
}

/// What a running handler works with.
pub struct Context {
    /// Guest memory.
    pub memory: Arc<Memory>,
    /// The features both sides agreed on.
    pub features: u64,
    /// The way to the driver.
    pub interrupt: Arc<dyn Interrupt>,
    /// The queues, as they came in the activation.
    pub queues: Vec<ActiveQueue>,
    /// Where handlers register their own files, edge-triggered as everything in mio.
    pub registry: Registry,
    /// Set while the worker is being stopped: its kill event is about to be seen.
    stopping: Arc<AtomicBool>,
}

impl Context {
    /// The queue with index `index`, if the driver set it up, with the memory it lies in.
    pub fn queue(&mut self, index: u16) -> Option<(&mut ActiveQueue, &Memory)> {
        let queue = self.queues.iter_mut().find(|queue| queue.index == index)?;
        Some((queue, &self.memory))
    }

    /// Interrupts the driver if it wants to know what was pushed to queue `index`.
    ///
    /// # Errors
    /// The queue is broken.
    pub fn signal(&mut self, index: u16) -> Result<(), QueueError> {
        let Some((active, memory)) = self.queue(index) else {
            return Ok(());
        };
        if active.queue.should_interrupt(memory)? {
            self.interrupt.queue(index);
        }
        Ok(())
    }

    /// Works through queue `index`: `serve` gets each chain and returns the number of bytes
    /// written into it. As [`Context::take_each`], with a used chain for each and the interrupt
    /// at the end.
    ///
    /// # Errors
    /// The queue is broken, or what `serve` says.
    pub fn drain(
        &mut self,
        index: u16,
        mut serve: impl FnMut(&Chain, &Memory) -> Result<u32, QueueError>,
    ) -> Result<(), WorkError> {
        self.take_each(index, |queue, memory, chain| {
            let written = serve(&chain, memory)?;
            queue.push(memory, chain.head(), written)
        })?;
        Ok(self.signal(index)?)
    }

    /// Hands each chain of queue `index` to `serve`, which pushes it, now or later. Notifications
    /// are off meanwhile. After as many chains as the queue holds the doorbell is rung instead,
    /// so that a busy driver cannot keep the worker from its kill event; while the worker is
    /// being stopped, after the chain at hand, because the driver chooses how long a queue full
    /// of chains takes. A queue that the driver did not set up has nothing to do.
    ///
    /// # Errors
    /// The queue is broken, or what `serve` says.
    pub fn take_each(
        &mut self,
        index: u16,
        mut serve: impl FnMut(&mut Queue, &Memory, Chain) -> Result<(), QueueError>,
    ) -> Result<(), WorkError> {
        let stopping = Arc::clone(&self.stopping);
        let Some((active, memory)) = self.queue(index) else {
            return Ok(());
        };
        let queue = &mut active.queue;
        let mut left = queue.size();
        queue.disable_notifications(memory)?;
        loop {
            while left > 0 {
                let Some(chain) = queue.pop(memory)? else {
                    break;
                };
                serve(queue, memory, chain)?;
                left = if stopping.load(Ordering::SeqCst) { 0 } else { left - 1 };
            }
            if !queue.enable_notifications(memory)? {
                break;
            }
            if left == 0 {
                active.doorbell.signal()?;
                break;
            }
            queue.disable_notifications(memory)?;
        }
        Ok(())
    }
}

/// A device's part of the loop. Called on the worker's thread only.
pub trait Handler: Send + 'static {
    /// Called once, first: registers files with `context.registry`.
    ///
    /// # Errors
    /// Ends the worker's work, as with each of these functions.
    fn start(&mut self, context: &mut Context) -> Result<(), WorkError> {
        let _ = context;
        Ok(())
    }

    /// The driver notified queue `index`, or the worker has just started.
    ///
    /// # Errors
    /// The queue is broken or the host fails.
    fn queue(&mut self, context: &mut Context, index: u16) -> Result<(), WorkError>;

    /// One of the handler's own files is ready.
    ///
    /// # Errors
    /// A queue is broken or the host fails.
    fn event(&mut self, context: &mut Context, event: &mio::event::Event) -> Result<(), WorkError> {
        let _ = (context, event);
        Ok(())
    }

    /// When [`Handler::expired`] wants to be called next; asked before each wait.
    fn deadline(&self) -> Option<Instant> {
        None
    }

    /// The deadline has passed.
    ///
    /// # Errors
    /// A queue is broken or the host fails.
    fn expired(&mut self, context: &mut Context) -> Result<(), WorkError> {
        let _ = context;
        Ok(())
    }
}

/// What a worker leaves when it is stopped.
pub struct Stopped<H> {
    /// The handler, for the next activation.
    pub handler: H,
    /// The queues with their positions.
    pub queues: Vec<ActiveQueue>,
    /// Why the worker had stopped working before it was told to, if it had.
    pub failure: Option<WorkError>,
}

/// A running worker thread. Dropping it stops the thread, too.
pub struct Worker<H> {
    kill: Event,
    stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<Stopped<H>>>,
}

impl<H: Handler> Worker<H> {
    /// Starts a thread called `name` (at most 15 bytes show) that serves `activation`.
    ///
    /// # Errors
    /// The host gives no thread, event or poll; `handler` is dropped then.
    pub fn spawn(name: &str, handler: H, activation: Activation) -> io::Result<Self> {
        let kill = Event::new_blocking()?;
        let killed = kill.try_clone()?;
        let poll = Poll::new()?;
        let stopping = Arc::new(AtomicBool::new(false));
        let context = Context {
            memory: activation.memory,
            features: activation.features,
            interrupt: activation.interrupt,
            queues: activation.queues,
            registry: poll.registry().try_clone()?,
            stopping: Arc::clone(&stopping),
        };
        register(&poll, &killed, &context.queues)?;
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || run(handler, context, poll, &killed))?;
        Ok(Self { kill, stopping, thread: Some(thread) })
    }

    /// Stops the thread and waits for it: when this returns, the worker touches guest memory no
    /// more. Nothing comes back from a worker that panicked.
    #[must_use]
    pub fn stop(mut self) -> Option<Stopped<H>> {
        self.join()
    }
}

impl<H> Worker<H> {
    fn join(&mut self) -> Option<Stopped<H>> {
        let thread = self.thread.take()?;
        self.stopping.store(true, Ordering::SeqCst);
        // Cannot fail: nobody else counts the event up.
        let _ = self.kill.signal();
        thread.join().ok()
    }
}

impl<H> Drop for Worker<H> {
    fn drop(&mut self) {
        self.join();
    }
}

fn doorbell_token(slot: usize) -> Token {
    Token(KILL.0 - 1 - slot)
}

fn register(poll: &Poll, kill: &Event, queues: &[ActiveQueue]) -> io::Result<()> {
    let registry = poll.registry();
    let add = |event: &Event, token| {
        registry.register(&mut SourceFd(&event.as_raw_fd()), token, Interest::READABLE)
    };
    add(kill, KILL)?;
    for (slot, queue) in queues.iter().enumerate() {
        add(&queue.doorbell, doorbell_token(slot))?;
    }
    Ok(())
}

fn run<H: Handler>(
    mut handler: H,
    mut context: Context,
    mut poll: Poll,
    kill: &Event,
) -> Stopped<H> {
    let failure = work(&mut handler, &mut context, &mut poll).err();
    if failure.is_some() {
        // Nobody polls any more: nothing wakes the thread but its kill event.
        context.interrupt.needs_reset();
        let _ = kill.take();
    }
    Stopped { handler, queues: context.queues, failure }
}

/// Returns when the kill event is written, or with the first error.
fn work<H: Handler>(
    handler: &mut H,
    context: &mut Context,
    poll: &mut Poll,
) -> Result<(), WorkError> {
    handler.start(context)?;
    let indices: Vec<u16> = context.queues.iter().map(|queue| queue.index).collect();
    for index in &indices {
        handler.queue(context, *index)?;
    }
    let mut events = Events::with_capacity(64);
    loop {
        match poll.poll(&mut events, timeout(handler)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other?,
        }
        if events.iter().any(|event| event.token() == KILL) {
            return Ok(());
        }
        for event in &events {
            let slot = KILL.0 - 1 - event.token().0.min(KILL.0 - 1);
            match indices.get(slot) {
                Some(index) => {
                    if let Some(queue) = context.queues.get(slot) {
                        queue.doorbell.seen();
                    }
                    handler.queue(context, *index)?;
                }
                None => handler.event(context, event)?,
            }
        }
        if handler.deadline().is_some_and(|at| at <= Instant::now()) {
            handler.expired(context)?;
        }
    }
}

fn timeout(handler: &impl Handler) -> Option<Duration> {
    let deadline = handler.deadline()?;
    // Rounded up to the poll's milliseconds, so that it does not wake just before.
    Some(deadline.saturating_duration_since(Instant::now()) + Duration::from_millis(1))
}

#[cfg(test)]
#[path = "worker_test.rs"]
mod tests;
