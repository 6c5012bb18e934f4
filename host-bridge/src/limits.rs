//! How much a guest may ask for, and for how long.

use std::time::Duration;

/// Bounds of a bridge.
///
/// Memory: request bodies together take at most [`Limits::memory`], until the server has read
/// them; while one is checked it may take four times its size more, one at a time; every
/// connection has buffers of at most 512 KiB on both sides together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections to the model port at the same time; more wait in the device.
    pub connections: usize,
    /// Bytes of one request body.
    pub body: usize,
    /// Bytes of all request bodies that are held at the same time; others wait.
    pub memory: usize,
    /// For a request's head, and for the next one on a connection.
    pub head: Duration,
    /// For a request's body, from its head until the last byte, and for its place in memory.
    pub upload: Duration,
    /// How long a request waits for a model that is being loaded.
    pub hold: Duration,
    /// After this much of that, a request for a stream gets the stream's head and comments.
    pub patience: Duration,
    /// Between two such comments.
    pub ping: Duration,
    /// Between two tries at a server that says it is loading.
    pub retry: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 256,
            body: 72 << 20,
            memory: 256 << 20,
            head: Duration::from_secs(30),
            upload: Duration::from_secs(300),
            hold: Duration::from_secs(300),
            patience: Duration::from_secs(2),
            ping: Duration::from_secs(5),
            retry: Duration::from_millis(500),
        }
    }
}
