//! Any monitor against the backend: messages from raw bytes, descriptors with them.

use std::fs::File;
use std::net::Shutdown;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixStream;

use rustix::fs::MemfdFlags;
use vmm_sys_util::sock_ctrl_msg::ScmSocket;

use super::{Error, serve};
use crate::device::{ActivateError, Activation, ActiveQueue, VirtioDevice};
use crate::event::Event;
use crate::queue::features;

/// Messages that are sent; their answers have to fit the socket's buffer, nobody reads them.
const MESSAGES: usize = 32;
/// Bytes in the file behind guest memory.
const MEMORY: u64 = 0x1_0000;

/// Last bytes of the input, which each page of guest memory begins with: rings, if they are there.
const PAGE_START: usize = 64;

/// Takes `data` apart into messages, each of four bytes (request, flags, descriptors, length of
/// the body in units of eight bytes) and the body, sends them to [`serve`], and closes. The last
/// bytes are guest memory.
pub fn fuzz_vhost_user(data: &[u8]) {
    // Whether they are taken is not the point; it ends without a panic.
    let _ = run(data);
}

fn run(data: &[u8]) -> Option<(Result<(), Error>, Synchronous)> {
    let mut device = Synchronous::default();
    let (_ours, theirs) = send(data)?;
    let result = serve(&mut device, theirs);
    Some((result, device))
}

/// Both ends: answers go into the buffer of the first, which nobody reads.
fn send(mut data: &[u8]) -> Option<(UnixStream, UnixStream)> {
    let (ours, theirs) = UnixStream::pair().ok()?;
    ours.set_nonblocking(true).ok()?;
    let memory = File::from(rustix::fs::memfd_create("fuzz", MemfdFlags::CLOEXEC).ok()?);
    memory.set_len(MEMORY).ok()?;
    let (messages, content) = data.split_at(data.len().saturating_sub(PAGE_START));
    data = messages;
    for page in (0..MEMORY).step_by(4096) {
        memory.write_all_at(content, page).ok()?;
    }
    let event = Event::new().ok()?;
    for _ in 0..MESSAGES {
        let Some(([request, flags, files, units], rest)) = data.split_first_chunk() else {
            break;
        };
        let (body, rest) = rest.split_at(rest.len().min(usize::from(*units) * 8));
        data = rest;
        let size = u32::try_from(body.len()).ok()?;
        let header = [
            u32::from(*request).to_le_bytes(),
            u32::from(*flags).to_le_bytes(),
            size.to_le_bytes(),
        ];
        let message = [header.as_flattened(), body].concat();
        let file: RawFd = if files & 0x80 == 0 { event.as_raw_fd() } else { memory.as_raw_fd() };
        let files = vec![file; usize::from(files & 0x7f) % 40];
        ours.send_with_fds(&[message.as_slice()], &files).ok()?;
    }
    ours.shutdown(Shutdown::Write).ok()?;
    Some((ours, theirs))
}

/// A device that does its work while it is activated.
#[derive(Default)]
struct Synchronous {
    queues: Vec<ActiveQueue>,
    activations: u32,
    /// Chains that were taken and given back.
    served: u32,
}

impl VirtioDevice for Synchronous {
    fn device_type(&self) -> u32 {
        0xffff
    }

    fn queue_sizes(&self) -> &[u16] {
        &[16, 16]
    }

    fn features(&self) -> u64 {
        features::ALL
    }

    fn read_config(&self, _offset: u64, data: &mut [u8]) {
        data.fill(1);
    }

    fn activate(&mut self, activation: Activation) -> Result<(), ActivateError> {
        let memory = &activation.memory;
        self.activations += 1;
        self.queues = activation.queues;
        for active in &mut self.queues {
            for _ in 0..active.queue.size() {
                let Ok(Some(chain)) = active.queue.pop(memory) else {
                    break;
                };
                if active.queue.push(memory, chain.head(), 0).is_ok() {
                    self.served += 1;
                }
                activation.interrupt.queue(active.index);
            }
        }
        Ok(())
    }

    fn reset(&mut self) -> Vec<ActiveQueue> {
        std::mem::take(&mut self.queues)
    }
}

#[cfg(test)]
#[path = "fuzz_test.rs"]
mod tests;
