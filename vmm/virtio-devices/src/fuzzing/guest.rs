//! A guest out of bytes: its memory, and one queue in it.

use std::sync::Arc;

use vm_memory::{Bytes, FileOffset, GuestAddress};

use super::input::Input;
use crate::queue::{Queue, features};
use crate::{Memory, sys};

/// Bytes of guest memory, in two regions with nothing between them and nothing behind.
pub(super) const MEMORY: usize = 64 << 10;
const FIRST: usize = 40 << 10;

/// Bytes that set up the queue, before those of memory:
///
/// | byte | meaning                                                              |
/// |------|----------------------------------------------------------------------|
/// | 0    | logarithm of the queue's size, modulo 17; 16 stands for 3            |
/// | 1    | bit 0: event indices, bit 1: indirect descriptors, bit 2: not ready  |
/// | 2-4  | addresses of descriptors, available and used ring, in units of 256   |
/// | 5-6  | position in the available ring                                       |
/// | 7    | position in the used ring                                            |
#[cfg_attr(not(test), expect(dead_code, reason = "for those who write inputs"))]
pub(super) const SETUP: usize = 8;

pub(super) struct Guest {
    pub(super) memory: Arc<Memory>,
    pub(super) queue: Queue,
}

/// Sets up a guest; `None` where the host has no memory for it.
pub(super) fn guest(data: &[u8]) -> Option<Guest> {
    let mut input = Input(data);
    let log = input.byte() % 17;
    let flags = input.byte();
    let mut queue = Queue::new(256);
    queue.set_size(if log == 16 { 3 } else { 1 << log });
    let mut bits = 0;
    bits |= u64::from(flags & 1) * features::EVENT_IDX;
    bits |= u64::from(flags >> 1 & 1) * features::INDIRECT_DESC;
    queue.set_event_idx(bits & features::EVENT_IDX != 0);
    queue.set_indirect(bits & features::INDIRECT_DESC != 0);
    queue.set_desc_table(u64::from(input.byte()) << 8);
    queue.set_avail_ring(u64::from(input.byte()) << 8);
    queue.set_used_ring(u64::from(input.byte()) << 8);
    queue.set_next_avail(input.half());
    queue.set_next_used(input.byte().into());
    queue.set_ready(flags & 4 == 0);
    let memory = memory(input.rest())?;
    Some(Guest { memory, queue })
}

/// Memory with `content` at address zero, from a memory file as that of real machines.
pub(super) fn memory(content: &[u8]) -> Option<Arc<Memory>> {
    let file = sys::memory_file("fuzz", u64::try_from(MEMORY).ok()?).ok()?;
    let file = Arc::new(file);
    let at = |start: usize| Some(FileOffset::from_arc(file.clone(), start as u64));
    let ranges =
        [(GuestAddress(0), FIRST, at(0)), (GuestAddress(FIRST as u64), MEMORY - FIRST, at(FIRST))];
    let memory = Memory::from_ranges_with_files(ranges).ok()?;
    let content = content.get(..MEMORY).unwrap_or(content);
    memory.write_slice(content, GuestAddress(0)).ok()?;
    Some(Arc::new(memory))
}

impl Guest {
    /// Works through the queue as a device does, until it is empty or broken, with `serve` for
    /// each chain.
    pub(super) fn serve(
        &mut self,
        mut serve: impl FnMut(&crate::queue::Chain, &Memory) -> Result<u32, crate::queue::QueueError>,
    ) {
        let Self { memory, queue } = self;
        let mut left = u32::from(queue.size());
        while let Ok(Some(chain)) = queue.pop(memory) {
            assert!(left > 0, "more chains than the queue can hold");
            left -= 1;
            let Ok(written) = serve(&chain, memory) else {
                return;
            };
            assert!(written as usize <= chain.writable_len());
            if queue.push(memory, chain.head(), written).is_err() {
                return;
            }
            // The answer may have changed the ring itself, which only a hostile guest asks for;
            // a device goes on in any case, but not for ever in here.
            if left == 0 {
                return;
            }
        }
        let _ = queue.should_interrupt(memory);
    }
}
