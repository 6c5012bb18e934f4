//! As much of HTTP/1.1 as a model server needs.

use std::io::{self, BufRead, Write};

use serde_json::Value;

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Request {
    /// `GET`, `HEAD`, `POST` ….
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Names in lower case, in the order of arrival.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub text: String,
    /// The body if it is JSON, null otherwise.
    pub body: Value,
}

impl Request {
    /// The target without its query.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The first header of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// True if the agent that asks offers this tool.
    pub fn offers(&self, tool: &str) -> bool {
        let named = |entry: &Value| entry["name"] == tool || entry["function"]["name"] == tool;
        self.body["tools"].as_array().is_some_and(|tools| tools.iter().any(named))
    }

    /// True if the conversation holds the result of a tool already.
    pub fn has_result(&self) -> bool {
        ["\"tool_result\"", "\"function_call_output\"", "\"role\":\"tool\""]
            .iter()
            .any(|mark| self.body.to_string().contains(mark))
    }
}

/// The next request of a connection; none at its end.
pub fn read(from: &mut dyn BufRead) -> io::Result<Option<Request>> {
    let first = line(from)?;
    if first.is_empty() {
        return Ok(None);
    }
    let mut words = first.split(' ').map(str::to_owned);
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut headers = Vec::new();
    loop {
        let line = line(from)?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut request = Request { method, target, headers, text: String::new(), body: Value::Null };
    let bytes = if request.header("transfer-encoding") == Some("chunked") {
        chunks(from)?
    } else {
        let length = request.header("content-length").map_or(Ok(0), str::parse);
        exactly(from, length.map_err(io::Error::other)?)?
    };
    request.text = crate::lossy(&bytes);
    request.body = serde_json::from_slice(&bytes).unwrap_or_default();
    Ok(Some(request))
}

fn line(from: &mut dyn BufRead) -> io::Result<String> {
    let mut line = String::new();
    from.read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}

fn exactly(from: &mut dyn BufRead, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    from.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn chunks(from: &mut dyn BufRead) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        let length = usize::from_str_radix(&line(from)?, 16).map_err(io::Error::other)?;
        bytes.extend(exactly(from, length)?);
        line(from)?;
        if length == 0 {
            return Ok(bytes);
        }
    }
}

/// An answer without a body, as to `HEAD`.
pub fn head(to: &mut dyn Write) -> io::Result<()> {
    to.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
}

/// An answer in one piece.
pub fn reply(to: &mut dyn Write, status: u16, body: &Value) -> io::Result<()> {
    let body = body.to_string();
    let head = format!(
        "HTTP/1.1 {status} Scripted\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    to.write_all((head + &body).as_bytes())
}

/// The start of an answer in events.
pub fn open_stream(to: &mut dyn Write) -> io::Result<()> {
    to.write_all(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
    )
}

/// One event. Its name is its `type`, where it has one.
pub fn event(to: &mut dyn Write, data: &Value) -> io::Result<()> {
    let mut text = data["type"].as_str().map_or(String::new(), |name| format!("event: {name}\n"));
    // A string is what stands there literally: `[DONE]`.
    text +=
        &data.as_str().map_or_else(|| format!("data: {data}\n\n"), |s| format!("data: {s}\n\n"));
    to.write_all(format!("{:x}\r\n{text}\r\n", text.len()).as_bytes())
}

/// The end of an answer in events.
pub fn close_stream(to: &mut dyn Write) -> io::Result<()> {
    to.write_all(b"0\r\n\r\n")
}
