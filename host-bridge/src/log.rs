//! The log of requests: JSON, one record a line.
//!
//! `{"event":"open","time":…,"id":…,"port":…,"method":…,"path":…,"model":…,"stream":…,"bytes":…,
//! "headers":{…},"body":…,"truncated":…}` when a request is there, and
//! `{"event":"done","time":…,"id":…,"status":…,"milliseconds":…,"bytes":…,"chunks":…,
//! "aborted":…}` when it is answered or given up. `body` is what the client sent: as JSON, or as a
//! string where it is none or was cut off. Times are seconds since 1970-01-01 UTC.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::rc::Rc;
use std::time::{Instant, SystemTime};

use hyper::HeaderMap;
use hyper::http::request;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::text::Fields;

/// Bytes of a body that are logged.
const MAX_BODY: usize = 1 << 20;
/// In the names of headers that carry credentials.
const SECRET: [&str; 7] = ["auth", "token", "secret", "key", "cookie", "password", "credential"];

/// Where records go; nowhere, if there is no file or it failed.
pub(crate) struct Log {
    file: RefCell<Option<File>>,
    next: Cell<u64>,
}

#[derive(Serialize)]
struct Open<'a> {
    event: &'static str,
    time: f64,
    id: u64,
    port: &'static str,
    method: &'a str,
    path: &'a str,
    model: Option<&'a str>,
    stream: bool,
    bytes: usize,
    headers: BTreeMap<&'a str, String>,
    body: Option<Box<RawValue>>,
    truncated: bool,
}

#[derive(Serialize)]
struct Done {
    event: &'static str,
    time: f64,
    id: u64,
    status: u16,
    milliseconds: u128,
    bytes: u64,
    chunks: u64,
    aborted: bool,
}

impl Log {
    pub(crate) fn new(file: Option<File>) -> Rc<Self> {
        Rc::new(Self { file: RefCell::new(file), next: Cell::new(1) })
    }

    /// Logs a request; its end is logged when the record is dropped.
    pub(crate) fn open(
        self: &Rc<Self>,
        port: &'static str,
        head: &request::Parts,
        body: &[u8],
    ) -> Option<Record> {
        self.file.borrow().as_ref()?;
        let id = self.next.replace(self.next.get() + 1);
        let whole = std::str::from_utf8(body).ok();
        let fields = whole.and_then(|body| serde_json::from_str::<Fields<'_>>(body).ok());
        let model = fields.as_ref().and_then(|f| f.text("model"));
        let stream = fields.as_ref().and_then(|f| f.get("stream"));
        self.write(&Open {
            event: "open",
            time: now(),
            id,
            port,
            method: head.method.as_str(),
            path: head.uri.path(),
            model: model.as_deref(),
            stream: stream.is_some_and(|raw| raw.get() == "true"),
            bytes: body.len(),
            headers: headers(&head.headers),
            body: logged(body),
            truncated: body.len() > MAX_BODY,
        });
        let log = Rc::clone(self);
        let start = Instant::now();
        Some(Record { log, id, start, status: 0, bytes: 0, chunks: 0, finished: false })
    }

    /// Writes a line; the first failure ends the log.
    fn write(&self, record: &impl Serialize) {
        let mut file = self.file.borrow_mut();
        let Some(open) = file.as_mut() else { return };
        let written = serde_json::to_vec(record).map_err(std::io::Error::from).and_then(|mut l| {
            l.push(b'\n');
            open.write_all(&l)
        });
        if let Err(error) = written {
            let _ = writeln!(std::io::stderr(), "qvm: requests are not logged any more: {error}");
            *file = None;
        }
    }
}

fn now() -> f64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0.0, |since| since.as_secs_f64())
}

fn headers(headers: &HeaderMap) -> BTreeMap<&str, String> {
    let mut all: BTreeMap<&str, String> = BTreeMap::new();
    for (name, value) in headers {
        let secret = SECRET.iter().any(|word| name.as_str().contains(word));
        let value = String::from_utf8_lossy(value.as_bytes());
        let value = if secret { "[redacted]".into() } else { value };
        let known = all.entry(name.as_str()).or_default();
        if !known.is_empty() {
            known.push_str(", ");
        }
        known.push_str(&value);
    }
    all
}

/// A body as one line of JSON.
fn logged(body: &[u8]) -> Option<Box<RawValue>> {
    if body.is_empty() {
        return None;
    }
    if body.len() <= MAX_BODY {
        if let Ok(json) = serde_json::from_slice::<&RawValue>(body) {
            // Between tokens: within strings they cannot be.
            return RawValue::from_string(json.get().replace(['\n', '\r'], " ")).ok();
        }
    }
    let start = String::from_utf8_lossy(&body[..body.len().min(MAX_BODY)]);
    serde_json::value::to_raw_value(&start).ok()
}

/// A request that was logged; its end is logged when this is dropped.
pub(crate) struct Record {
    log: Rc<Log>,
    id: u64,
    start: Instant,
    status: u16,
    bytes: u64,
    chunks: u64,
    finished: bool,
}

impl Record {
    pub(crate) fn status(&mut self, status: u16) {
        self.status = status;
    }

    /// A piece of the response was handed out.
    pub(crate) fn count(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
        self.chunks += 1;
    }

    /// The response is complete.
    pub(crate) fn finish(&mut self) {
        self.finished = true;
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.log.write(&Done {
            event: "done",
            time: now(),
            id: self.id,
            status: self.status,
            milliseconds: self.start.elapsed().as_millis(),
            bytes: self.bytes,
            chunks: self.chunks,
            aborted: !self.finished,
        });
    }
}

#[cfg(test)]
#[path = "log_test.rs"]
mod tests;
