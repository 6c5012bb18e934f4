//! Asking a model server how it is, over a connection of its own: HTTP/1.0, no more than needed.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    os::unix::net::UnixStream,
    time::Duration,
};

use serde_json::Value;

/// A server that computes may take its time to answer, but not as long as this.
const PATIENCE: Duration = Duration::from_secs(10);
/// Largest answer that is read, in bytes: `/props` holds a chat template.
const LARGEST: u64 = 4 << 20;

/// A connection to a server.
#[derive(Debug)]
pub enum Stream {
    Unix(UnixStream),
    Tcp(TcpStream),
}

/// An answer.
#[derive(Debug, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    pub body: Vec<u8>,
}

impl Reply {
    /// The body as JSON.
    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

/// Asks with GET, or with POST when there is a body.
///
/// # Errors
/// What the connection says; `InvalidData` for what is no HTTP, `TimedOut` for silence.
pub fn ask(stream: Stream, path: &str, body: Option<&Value>) -> io::Result<Reply> {
    let silent = || {
        let why = format!("no whole answer within {} seconds", PATIENCE.as_secs());
        io::Error::new(io::ErrorKind::TimedOut, why)
    };
    exchange(stream, path, body).map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => silent(),
        _ => error,
    })
}

fn exchange(stream: Stream, path: &str, body: Option<&Value>) -> io::Result<Reply> {
    let body = body.map(Value::to_string);
    let mut request = format!(
        "{} {path} HTTP/1.0\r\nHost: localhost\r\nConnection: close\r\n",
        if body.is_some() { "POST" } else { "GET" }
    );
    if let Some(body) = &body {
        request += &format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
    }
    request += "\r\n";
    request += body.as_deref().unwrap_or_default();
    let mut answer = Vec::new();
    match stream {
        Stream::Unix(mut stream) => {
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_write_timeout(Some(PATIENCE))?;
            stream.write_all(request.as_bytes())?;
            stream.take(LARGEST).read_to_end(&mut answer)?;
        }
        Stream::Tcp(mut stream) => {
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_write_timeout(Some(PATIENCE))?;
            stream.write_all(request.as_bytes())?;
            stream.take(LARGEST).read_to_end(&mut answer)?;
        }
    }
    parse(&answer).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn parse(answer: &[u8]) -> Option<Reply> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(answer.get(..end)?).ok()?;
    let status = head.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()?;
    Some(Reply { status, body: answer.get(end + 4..)?.to_vec() })
}

/// How a server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    Well,
    Loading,
    /// It answers with another status.
    Ill(u16),
}

/// Reads the answer to `/health`. A server that has no such endpoint but answers is well.
pub fn health(reply: &Reply) -> Health {
    match reply.status {
        200 | 404 | 405 => Health::Well,
        503 => Health::Loading,
        other => Health::Ill(other),
    }
}

/// The context in tokens that `/props` tells of.
pub fn context(props: &Value) -> Option<u32> {
    let settings = props.get("default_generation_settings");
    let number = settings.and_then(|s| s.get("n_ctx")).or_else(|| props.get("n_ctx"))?;
    u32::try_from(number.as_u64()?).ok()
}

/// What tells whether a server speaks Anthropic's wire: it counts the tokens of two words.
pub fn messages_probe() -> Value {
    serde_json::json!({
        "model": "local",
        "max_tokens": 1,
        "messages": [{ "role": "user", "content": "hi" }],
    })
}

#[cfg(test)]
#[path = "health_test.rs"]
mod tests;
