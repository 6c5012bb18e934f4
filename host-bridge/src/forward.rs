//! A request on its way to the server, and the response on its way back.
//!
//! ```text
//!            loading          connected           head
//!  asked ──▶ waiting ───────▶ sent ─────────────▶ relaying ──▶ done
//!             │  ▲              │ 503 "loading"       │
//!             │  └──────────────┘                     └─ server gone: an error event ends a stream,
//!             │ stream wanted, after `patience`          anything else is cut
//!             ▼
//!            committed: 200, comments every `ping`; from here on errors are events
//! ```
//!
//! Every request has a connection to the server of its own. All of this runs within the task of
//! the guest's connection: when the guest goes, everything is dropped, in any state.

use std::cell::Cell;
use std::collections::VecDeque;
use std::pin::Pin;
use std::rc::Rc;

use bytes::Bytes;
use hyper::header::{
    ACCEPT, CACHE_CONTROL, CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, HOST, HeaderName,
    HeaderValue, RETRY_AFTER, USER_AGENT,
};
use hyper::http::request;
use hyper::{Method, Request, Response, StatusCode};
use tokio::time::{Instant, sleep, timeout_at};

use crate::bridge::Shared;
use crate::endpoint::Style;
use crate::io::Signals;
use crate::link::Failure;
use crate::outgoing::{Cut, Outgoing, Parts, Pieces};
use crate::reply::{self, Problem};
use crate::text::quoted;
use crate::upstream;

/// Longest error of the server that is looked at.
const MAX_ERROR: usize = 64 << 10;
/// A comment in a stream, which clients skip.
const PING: &[u8] = b": waiting for the model\n\n";
/// What is passed on to the server, beside what the bridge sets itself.
const UP: [HeaderName; 4] = [
    ACCEPT,
    USER_AGENT,
    HeaderName::from_static("anthropic-version"),
    HeaderName::from_static("anthropic-beta"),
];
/// What is passed on to the guest.
const DOWN: [HeaderName; 4] = [CONTENT_TYPE, CONTENT_ENCODING, CACHE_CONTROL, RETRY_AFTER];

/// A request to be forwarded.
pub(crate) struct Job {
    /// For the server.
    pub head: request::Parts,
    /// What is before and behind the model's name.
    pub body: Option<(Bytes, Bytes)>,
    /// It may wait for a model that is being loaded.
    pub generates: bool,
    /// The client reads a stream of events.
    pub stream: bool,
    /// Of errors.
    pub style: Style,
}

/// The head of a request to the server, from that of the guest's.
pub(crate) fn head(from: &request::Parts, method: Method, path: &'static str) -> request::Parts {
    let (mut head, ()) = Request::new(()).into_parts();
    if method == Method::POST {
        head.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    head.method = method;
    head.uri = hyper::Uri::from_static(path);
    head.headers.insert(HOST, HeaderValue::from_static("localhost"));
    head.headers.insert(CONNECTION, HeaderValue::from_static("close"));
    for name in UP {
        if let Some(value) = from.headers.get(&name) {
            head.headers.insert(name, value.clone());
        }
    }
    head
}

/// Forwards a request and gives its response, whose body is relayed piece by piece.
///
/// # Errors
/// The server cannot be reached in time, or answers with an error of its own.
pub(crate) async fn run(
    shared: Rc<Shared>,
    signals: Rc<Signals>,
    job: Job,
) -> Result<Response<Outgoing>, Problem> {
    if !job.generates {
        let response = once(&shared, &job).await?;
        return relayed(response, job.style, signals).await;
    }
    let limits = shared.limits;
    let (style, stream) = (job.style, job.stream);
    let waits = Rc::new(Cell::new(true));
    let waiting = Rc::clone(&waits);
    let mut reach = Box::pin(async move { reach(&shared, &job, &waiting).await });
    let mut pause = limits.patience;
    loop {
        tokio::select! {
            biased;
            response = &mut reach => return relayed(response?, style, signals).await,
            () = sleep(pause) => {}
        }
        // A server that works on the request is waited for in silence: it may yet refuse it.
        if stream && waits.get() {
            break;
        }
        pause = limits.retry;
    }
    let body = Outgoing::driven(|pieces| committed(reach, pieces, style, limits.ping, signals));
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(response)
}

/// Asks the server once, without waiting for a model.
pub(crate) async fn once(shared: &Shared, job: &Job) -> Result<upstream::Response, Problem> {
    let stream = shared.link.connect(false).await?;
    send(shared, job, stream).await
}

async fn send(
    shared: &Shared,
    job: &Job,
    stream: tokio::net::UnixStream,
) -> Result<upstream::Response, Problem> {
    let mut parts = VecDeque::new();
    if let Some((before, after)) = &job.body {
        let model = shared.link.status().await?.model;
        parts.extend([before.clone(), quoted(&model).into(), after.clone()]);
    }
    let response = upstream::send(stream, &job.head, Parts(parts)).await?;
    if response.head.status.is_informational() || response.head.status.is_redirection() {
        let message = "the model server gave an answer that is not passed on";
        return Err(Problem::new(StatusCode::BAD_GATEWAY, message));
    }
    Ok(response)
}

/// Asks the server as soon as it has loaded its model. `waits` tells when it has not.
async fn reach(
    shared: &Shared,
    job: &Job,
    waits: &Cell<bool>,
) -> Result<upstream::Response, Problem> {
    let deadline = Instant::now() + shared.limits.hold;
    loop {
        waits.set(true);
        let connected = timeout_at(deadline, shared.link.connect(true)).await;
        match connected.unwrap_or(Err(Failure::Loading)) {
            Ok(stream) => {
                waits.set(false);
                let mut response = send(shared, job, stream).await?;
                if response.head.status != StatusCode::SERVICE_UNAVAILABLE {
                    return Ok(response);
                }
                let body = response.whole(MAX_ERROR).await.unwrap_or_default();
                if !is_loading(&body) {
                    return Err(problem(StatusCode::SERVICE_UNAVAILABLE, &body));
                }
            }
            Err(Failure::Loading) => {}
            Err(failure) => return Err(failure.into()),
        }
        waits.set(true);
        if Instant::now() + shared.limits.retry >= deadline {
            return Err(Problem::loading());
        }
        sleep(shared.limits.retry).await;
    }
}

fn is_loading(body: &[u8]) -> bool {
    let body: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let message = body.as_ref().and_then(|body| body.pointer("/error/message"));
    message.and_then(|m| m.as_str()).is_some_and(|m| m.starts_with("Loading model"))
}

/// An error of the server's, from the body that it sent.
pub(crate) fn problem(status: StatusCode, body: &[u8]) -> Problem {
    let json: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let message = json.as_ref().and_then(|json| json.pointer("/error/message"));
    let message = match message.and_then(|m| m.as_str()) {
        Some(message) => message.into(),
        None => {
            let text = String::from_utf8_lossy(body);
            let text: String = text.chars().filter(|c| !c.is_control()).take(300).collect();
            format!("the model server answered {status}: {text}")
        }
    };
    Problem::new(status, message)
}

async fn relayed(
    mut response: upstream::Response,
    style: Style,
    signals: Rc<Signals>,
) -> Result<Response<Outgoing>, Problem> {
    let status = response.head.status;
    if !status.is_success() {
        let body = response.whole(MAX_ERROR).await.unwrap_or_default();
        if serde_json::from_slice::<serde::de::IgnoredAny>(&body).is_err() {
            return Err(problem(status, &body));
        }
        let response = reply::response(status, "application/json; charset=utf-8", body);
        return Ok(response.map(Outgoing::ready));
    }
    let events = is_stream(&response);
    let mut passed = Response::new(());
    *passed.status_mut() = status;
    for name in DOWN {
        if let Some(value) = response.head.headers.get(&name) {
            passed.headers_mut().insert(name, value.clone());
        }
    }
    let style = events.then_some(style);
    let body = Outgoing::driven(|pieces| relay(response, pieces, style, signals));
    Ok(passed.map(|()| body))
}

fn is_stream(response: &upstream::Response) -> bool {
    let kind = response.head.headers.get(CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"))
}

/// Passes a body on, each piece as it comes. A stream of events has the `style` of its errors.
async fn relay(
    mut response: upstream::Response,
    pieces: Pieces,
    style: Option<Style>,
    signals: Rc<Signals>,
) -> Result<(), Cut> {
    let mut between = true;
    loop {
        match (response.next().await, style) {
            (Ok(None), _) => return Ok(()),
            (Ok(Some(piece)), _) => {
                between = piece.ends_with(b"\n\n") || (piece == "\n" && between);
                pieces.send(piece).await.map_err(|_| Cut)?;
            }
            (Err(cut), None) => return Err(cut),
            (Err(Cut), Some(style)) => {
                if !between {
                    pieces.send(Bytes::from_static(b"\n\n")).await.map_err(|_| Cut)?;
                }
                let message = "the model server ended in the middle of its answer";
                let problem = Problem::new(StatusCode::BAD_GATEWAY, message);
                signals.close.set(true);
                return pieces.send(problem.event(style)).await.map_err(|_| Cut);
            }
        }
    }
}

type Reach = Pin<Box<dyn Future<Output = Result<upstream::Response, Problem>>>>;

/// A stream that began before the server could be asked.
async fn committed(
    mut reach: Reach,
    pieces: Pieces,
    style: Style,
    ping: std::time::Duration,
    signals: Rc<Signals>,
) -> Result<(), Cut> {
    let reached = loop {
        pieces.send(Bytes::from_static(PING)).await.map_err(|_| Cut)?;
        tokio::select! {
            biased;
            response = &mut reach => break response,
            () = sleep(ping) => {}
        }
    };
    let failed = match reached {
        Ok(response) if response.head.status.is_success() && is_stream(&response) => {
            return relay(response, pieces, Some(style), signals).await;
        }
        Ok(mut response) => {
            let body = response.whole(MAX_ERROR).await.unwrap_or_default();
            match response.head.status {
                status if status.is_success() => {
                    let message = "the model server did not answer with a stream";
                    Problem::new(StatusCode::BAD_GATEWAY, message)
                }
                status => problem(status, &body),
            }
        }
        Err(problem) => problem,
    };
    signals.close.set(true);
    pieces.send(failed.event(style)).await.map_err(|_| Cut)
}

#[cfg(test)]
#[path = "forward_test.rs"]
mod tests;
