//! The device's part of its worker thread.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::server::{Finished, Outcome, Server, write_header};
use crate::Memory;
use crate::queue::{Chain, Queue, QueueError};
use crate::worker::{Context, Handler, WorkError};

/// Between two tries for a lock that is held by somebody on the host.
const RETRY: Duration = Duration::from_millis(10);

/// A request that waits for a lock.
struct Parked {
    queue: u16,
    chain: Chain,
}

/// Serves the queues. Lives on while the device is stopped, with all that the guest has open.
pub struct FsHandler {
    server: Server,
    parked: HashMap<u64, Parked>,
    retry_at: Option<Instant>,
}

impl FsHandler {
    /// A handler for queues of a guest that has not begun yet.
    pub fn new(server: Server) -> Self {
        Self { server, parked: HashMap::new(), retry_at: None }
    }

    /// The device starts again.
    pub fn restarted(&mut self) {
        self.server.restarted();
    }

    fn serve(
        &mut self,
        queue: &mut Queue,
        memory: &Memory,
        index: u16,
        chain: Chain,
    ) -> Result<(), QueueError> {
        let mut reader = chain.reader(memory)?;
        let mut writer = chain.writer(memory)?;
        match self.server.handle(&mut reader, &mut writer) {
            Outcome::Done(written) => queue.push(memory, chain.head(), written),
            Outcome::Waits(number) => {
                let queue = index;
                self.parked.insert(number, Parked { queue, chain });
                Ok(())
            }
        }
    }

    /// Answers requests that wait no more, and sets the time for the next try.
    fn finish(&mut self, context: &mut Context) -> Result<(), WorkError> {
        if !self.server.is_waiting() {
            self.retry_at = None;
            return Ok(());
        }
        for finished in self.server.finished() {
            let Some(parked) = self.parked.remove(&finished.number) else {
                continue;
            };
            if let Some((active, memory)) = context.queue(parked.queue) {
                answer(&mut active.queue, memory, &parked.chain, &finished)?;
            }
            context.signal(parked.queue)?;
        }
        self.retry_at = self.server.is_waiting().then(|| Instant::now() + RETRY);
        Ok(())
    }

    /// Answers everything that waits, once the worker has stopped: the queues may go on
    /// elsewhere, where nobody knows of it.
    pub fn give_up(&mut self, memory: &Memory, queues: &mut [crate::device::ActiveQueue]) {
        for finished in self.server.give_up_waiting() {
            let Some(parked) = self.parked.remove(&finished.number) else {
                continue;
            };
            if let Some(active) = queues.iter_mut().find(|active| active.index == parked.queue) {
                // A queue that is broken by now has no use for it.
                let _ = answer(&mut active.queue, memory, &parked.chain, &finished);
            }
        }
        self.parked.clear();
        self.retry_at = None;
    }
}

fn answer(
    queue: &mut Queue,
    memory: &Memory,
    chain: &Chain,
    finished: &Finished,
) -> Result<(), QueueError> {
    let mut writer = chain.writer(memory)?;
    let written = write_header(&mut writer, finished.unique, finished.result, 0);
    queue.push(memory, chain.head(), written)
}

impl Handler for FsHandler {
    fn queue(&mut self, context: &mut Context, index: u16) -> Result<(), WorkError> {
        context.take_each(index, |queue, memory, chain| self.serve(queue, memory, index, chain))?;
        self.finish(context)?;
        Ok(context.signal(index)?)
    }

    fn deadline(&self) -> Option<Instant> {
        self.retry_at
    }

    fn expired(&mut self, context: &mut Context) -> Result<(), WorkError> {
        self.finish(context)
    }
}
