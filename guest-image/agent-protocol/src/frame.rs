//! Frames: a length (`u32`, little-endian, bytes that follow), then one postcard message.

use std::io::{self, Read, Write};

use serde::{Serialize, de::DeserializeOwned};

/// Longest frame, in bytes. A command line with its environment may be 2 MiB on Linux
/// (`ARG_MAX` for an 8 MiB stack), so 4 MiB leaves room and still bounds what a peer can make
/// us hold.
pub const MAX_FRAME: usize = 4 << 20;

/// Why a frame could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The peer closed the connection between two frames.
    #[error("the other side closed the connection")]
    Closed,
    /// The connection broke.
    #[error("the connection broke")]
    Io(#[from] io::Error),
    /// A frame announced more than [`MAX_FRAME`] bytes.
    #[error("a frame of {0} bytes is over the limit of {MAX_FRAME}")]
    TooLong(usize),
    /// The bytes are no message of the expected type.
    #[error("the frame is not a message this version knows")]
    Malformed(#[from] postcard::Error),
}

/// Writes one message as a single `write_all`.
///
/// # Errors
/// [`FrameError::TooLong`] if the message does not fit a frame, else what the writer says.
pub fn write_frame<T: Serialize>(mut to: impl Write, message: &T) -> Result<(), FrameError> {
    let mut bytes = vec![0u8; 4];
    bytes = postcard::to_extend(message, bytes)?;
    let body = bytes.len() - 4;
    let length =
        u32::try_from(body).ok().filter(|_| body <= MAX_FRAME).ok_or(FrameError::TooLong(body))?;
    bytes[..4].copy_from_slice(&length.to_le_bytes());
    to.write_all(&bytes)?;
    to.flush()?;
    Ok(())
}

/// Reads one message, and not a byte past it.
///
/// # Errors
/// [`FrameError::Closed`] at end of stream before the first byte; [`FrameError::TooLong`]
/// before anything is allocated; [`FrameError::Malformed`] also when bytes are left over.
pub fn read_frame<T: DeserializeOwned>(mut from: impl Read) -> Result<T, FrameError> {
    let mut head = [0u8; 4];
    match from.read(&mut head[..1]) {
        Ok(0) => return Err(FrameError::Closed),
        Ok(_) => from.read_exact(&mut head[1..])?,
        Err(e) if e.kind() == io::ErrorKind::Interrupted => from.read_exact(&mut head)?,
        Err(e) => return Err(e.into()),
    }
    let length = u32::from_le_bytes(head) as usize;
    if length > MAX_FRAME {
        return Err(FrameError::TooLong(length));
    }
    // Grows with what arrives, not with what was promised.
    let mut body = Vec::new();
    from.take(length as u64).read_to_end(&mut body)?;
    if body.len() < length {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
    }
    match postcard::take_from_bytes(&body)? {
        (message, []) => Ok(message),
        _ => Err(postcard::Error::DeserializeBadEncoding.into()),
    }
}

#[cfg(test)]
#[path = "frame_test.rs"]
mod tests;
