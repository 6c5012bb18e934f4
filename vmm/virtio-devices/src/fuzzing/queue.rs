//! The queue guard by itself.

use std::io::{Read, Write};

use super::guest::{Guest, guest};
use crate::Memory;
use crate::queue::{Chain, QueueError};

/// A queue and memory from raw bytes: every chain is read and written to its end.
pub fn fuzz_queue(data: &[u8]) {
    let Some(mut guest) = guest(data) else {
        return;
    };
    let valid = guest.queue.validate(&guest.memory);
    let Guest { memory, queue } = &mut guest;
    if let Err(error) = valid {
        assert_eq!(queue.pop(memory), Err(error));
        assert_eq!(queue.push(memory, 0, 0), Err(error));
        return;
    }
    let _ = queue.disable_notifications(memory);
    guest.serve(use_up);
    let Guest { memory, queue } = &mut guest;
    let _ = queue.enable_notifications(memory);
    if let Some(error) = queue.broken() {
        assert_eq!(queue.pop(memory), Err(error), "broken for good");
    }
}

fn use_up(chain: &Chain, memory: &Memory) -> Result<u32, QueueError> {
    let mut reader = chain.reader(memory)?;
    assert_eq!(reader.remaining(), chain.readable_len());
    let mut rest = reader.split_at(reader.remaining() / 2)?;
    let half = reader.remaining();
    assert_eq!(half + rest.remaining(), chain.readable_len());
    let mut seen = 0;
    let mut piece = [0; 509];
    for reader in [&mut reader, &mut rest] {
        while let Ok(count @ 1..) = reader.read(&mut piece) {
            seen += count;
        }
        assert!(reader.read_exact(&mut [0]).is_err());
    }
    assert_eq!(seen, chain.readable_len());

    let mut writer = chain.writer(memory)?;
    assert_eq!(writer.remaining(), chain.writable_len());
    let mut tail = writer.split_at(writer.remaining() / 3)?;
    for writer in [&mut writer, &mut tail] {
        while let Ok(1..) = writer.write(&piece) {}
        assert!(writer.write_all(&[0]).is_err());
    }
    let written = writer.written() + tail.written();
    assert_eq!(written, chain.writable_len());
    Ok(u32::try_from(written).unwrap_or(u32::MAX))
}
