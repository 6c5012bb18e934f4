//! Entries for fuzzing: any guest against the filter, any body against the rewriting.

use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::{LocalSet, spawn_local};

use crate::bridge::{Port, Shared, connection};
use crate::endpoint::{ENDPOINTS, Fold};
use crate::intake::Memory;
use crate::limits::Limits;
use crate::link::{Entry, Failure, Link, State, Status, Supplier, serve};
use crate::log::Log;
use crate::rewrite::rewrite;

/// What the canned server answers, by the last byte of what it was asked.
const ANSWERS: [&str; 4] = [
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n\
     9\r\ndata: 1\n\n\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n\
     9\r\ndata: ",
    "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nbad",
];

/// Writes `data` as what a guest sends, the first byte aside: with its lowest bit, the guest then
/// ends its side; with the next, it uses the switch port. What arrives at the server must be one of
/// the endpoints, with a body that is what it should be.
///
/// # Panics
/// If it is not.
pub fn fuzz_http(data: &[u8]) {
    let Some((flags, data)) = data.split_first() else { return };
    let server = Arc::new(Canned::default());
    if converse(*flags, data, Arc::clone(&server)).is_err() {
        return;
    }
    for request in server.requests.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        check_request(request);
    }
}

/// What a guest asks for whose answer is any bytes.
const QUESTIONS: [&str; 4] = [
    "POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 15\r\n\r\n{\"stream\":true}",
    "POST /v1/messages HTTP/1.1\r\nContent-Length: 15\r\n\r\n{\"stream\":true}",
    "POST /tokenize HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
    "GET /props HTTP/1.1\r\n\r\n",
];

/// Writes `data` as what the model server answers, which may have been taken over by its weights;
/// the first byte chooses what it was asked. The guest gets an answer, or its connection ends.
///
/// # Panics
/// If it does not.
pub fn fuzz_answer(data: &[u8]) {
    let Some((&choice, answer)) = data.split_first() else { return };
    let question = QUESTIONS[usize::from(choice) % QUESTIONS.len()];
    let server = Canned { answer: Some(answer.to_vec()), ..Canned::default() };
    let _ = converse(1, question.as_bytes(), Arc::new(server));
}

/// Rewrites `data`, the first byte of which chooses for what endpoint.
///
/// # Panics
/// If the result has media that are elsewhere, a system message that is not the first, another
/// model, or changes when it is rewritten again.
pub fn fuzz_rewrite(data: &[u8]) {
    let Some((&choice, body)) = data.split_first() else { return };
    let folds = [Fold::No, Fold::Chat, Fold::Responses, Fold::Anthropic];
    let fold = folds[usize::from(choice) % folds.len()];
    let Ok(once) = rewrite(body, fold) else { return };
    let once = once.with("loaded");
    assert_eq!(rewrite(once.as_bytes(), fold).map(|twice| twice.with("loaded")), Ok(once.clone()));
    let value: Value = serde_json::from_str(&once).unwrap_or_default();
    assert_eq!(value["model"], "loaded");
    assert_eq!(
        serde_json::from_slice::<Value>(body).unwrap_or_default()["stream"],
        value["stream"]
    );
    check_media(&value);
    check_roles(&value, fold);
}

fn check_request(request: &[u8]) {
    let text = String::from_utf8_lossy(request);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let mut words = head.split(' ');
    let (method, path) = (words.next(), words.next());
    let endpoint = ENDPOINTS.iter().find(|e| Some(e.path) == path);
    let expected = endpoint.map(|e| if e.reads() { "GET" } else { "POST" });
    assert!(expected.is_some() && method == expected, "not offered: {head}");
    for name in ["authorization", "cookie", "x-api-key", "transfer-encoding", "upgrade"] {
        assert!(!head.contains(&format!("\r\n{name}:")), "passed on: {head}");
    }
    if method == Some("POST") {
        // A guest that goes may leave half of a body.
        if let Ok(body) = serde_json::from_str::<Value>(body) {
            assert_eq!(body["model"], "loaded");
            check_media(&body);
        }
    }
}

/// Looks at the whole tree, apart from what is only shown to the model.
fn check_media(body: &Value) {
    let mut body = body.clone();
    if let Some(body) = body.as_object_mut() {
        body.remove("tools");
    }
    if let Some(messages) = body.get_mut("messages").and_then(Value::as_array_mut) {
        for message in messages {
            if let Some(content) = message.get_mut("content") {
                without_arguments(content);
            }
        }
    }
    check_tree(&body);
}

fn without_arguments(content: &mut Value) {
    for part in content.as_array_mut().into_iter().flatten() {
        if let Some(part) = part.as_object_mut() {
            part.remove("input");
            if let Some(content) = part.get_mut("content") {
                without_arguments(content);
            }
        }
    }
}

fn check_tree(value: &Value) {
    let here = |value: Option<&Value>| {
        let text = value.and_then(Value::as_str);
        text.is_none_or(|text| text.starts_with("data:"))
    };
    match value {
        Value::Array(items) => items.iter().for_each(check_tree),
        Value::Object(fields) => {
            for key in ["image_url", "video_url", "audio_url", "file_url"] {
                let media = fields.get(key);
                assert!(here(media), "{value}");
                assert!(here(media.and_then(|m| m.get("url"))), "{value}");
            }
            let source = fields.get("source");
            let kind = source.and_then(|source| source.get("type"));
            assert!(kind != Some(&"url".into()) && kind != Some(&"file".into()), "{value}");
            assert!(here(source.and_then(|source| source.get("url"))), "{value}");
            fields.values().for_each(check_tree);
        }
        _ => {}
    }
}

fn check_roles(body: &Value, fold: Fold) {
    let (field, roles, leading): (_, &[&str], _) = match fold {
        Fold::No => return,
        Fold::Chat => ("messages", &["system", "developer"], 1),
        Fold::Responses => ("input", &["system", "developer"], 0),
        Fold::Anthropic => ("messages", &["system"], 0),
    };
    let messages = body[field].as_array();
    for message in messages.into_iter().flatten().skip(leading) {
        let role = message["role"].as_str().unwrap_or_default();
        assert!(!roles.contains(&role), "{body}");
    }
}

/// A server that notes what it is asked.
#[derive(Default)]
struct Canned {
    requests: Arc<Mutex<Vec<Vec<u8>>>>,
    /// In place of [`ANSWERS`].
    answer: Option<Vec<u8>>,
}

impl Supplier for Canned {
    fn connect(&self, _: bool) -> Result<OwnedFd, Failure> {
        let failed = |_| Failure::Down("no sockets".into());
        let (mut ours, theirs) = UnixStream::pair().map_err(failed)?;
        let requests = Arc::clone(&self.requests);
        let answer = self.answer.clone();
        std::thread::spawn(move || {
            let mut request = Vec::new();
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = ours.read(&mut buffer) {
                request.extend_from_slice(&buffer[..length]);
                if is_whole(&request) {
                    let canned = ANSWERS[request.len() % ANSWERS.len()].as_bytes();
                    let _ = ours.write_all(answer.as_deref().unwrap_or(canned));
                    break;
                }
            }
            if !request.is_empty() {
                requests.lock().unwrap_or_else(PoisonError::into_inner).push(request);
            }
        });
        Ok(theirs.into())
    }

    fn switch(&self, _: &str) -> Result<Status, Failure> {
        Err(Failure::Busy)
    }

    fn models(&self) -> Vec<Entry> {
        Vec::new()
    }

    fn status(&self) -> Status {
        let (model, name) = ("loaded".into(), "Loaded".into());
        Status { state: State::Running, model, name, context: None }
    }
}

/// The server has all that its request's head announces.
fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, _)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let length = length.and_then(|length| length.parse().ok()).unwrap_or(0);
    request.len() >= head.len() + 4 + length
}

fn converse(flags: u8, data: &[u8], server: Arc<Canned>) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (supplier, link) = crate::pair()?;
    std::thread::spawn(move || serve(supplier, server));
    let short = Duration::from_millis(20);
    let limits = Limits { head: short, upload: short, hold: short, ..Limits::default() };
    LocalSet::new().block_on(&runtime, async {
        let link = Link::new(link)?;
        let running = Rc::clone(&link);
        spawn_local(async move { running.run().await });
        let (mut guest, stream) = tokio::net::UnixStream::pair()?;
        let memory = Memory::new(&limits);
        let shared = Shared { link, log: Log::new(None), memory, limits };
        let port = if flags & 2 == 0 { Port::Model } else { Port::Switch };
        let talk = async {
            // The bridge may hang up before everything is written.
            let _ = guest.write_all(data).await;
            if flags & 1 == 1 {
                let _ = guest.shutdown().await;
            }
            let mut response = Vec::new();
            let _ = guest.read_to_end(&mut response).await;
        };
        let both = async { tokio::join!(talk, connection(stream, Rc::new(shared), port)) };
        let ended = tokio::time::timeout(Duration::from_secs(30), both).await;
        assert!(ended.is_ok(), "the connection does not end");
        Ok(())
    })
}

#[cfg(test)]
#[path = "fuzzing_test.rs"]
mod tests;
