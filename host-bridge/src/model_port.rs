//! The model port: what is let through, and how.

use std::rc::Rc;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::UPGRADE;
use hyper::http::request;
use hyper::{Method, Request, Response, StatusCode};

use crate::bridge::Shared;
use crate::endpoint::{self, Endpoint, Fold, Kind, Refusal, Style};
use crate::forward::{self, Job};
use crate::intake;
use crate::io::Signals;
use crate::log::Record;
use crate::outgoing::Outgoing;
use crate::reply::{self, Problem};
use crate::{models, rewrite};

/// What `GET /` says.
const ROOT: &str = "A model server runs here, behind qvm's filter.\n";

/// Finds what a request is for; called as soon as its head is there.
pub(crate) fn begin(
    request: &Request<Incoming>,
    signals: &Signals,
) -> Result<Endpoint, (Problem, Style)> {
    let found = endpoint::find(request.method(), request.uri());
    // A client of a generating endpoint that ends its side has gone; for what is answered at
    // once, it may have said all it wants to say.
    let generates = matches!(found, Ok(Endpoint { kind: Kind::Generate(_), .. }));
    signals.hold_end.set(!generates);
    let (method, path) = (request.method(), request.uri().path());
    let upgrade = request.headers().get(UPGRADE).filter(|to| !to.as_bytes().starts_with(b"h2c"));
    if upgrade.is_some() {
        let message = "this connection speaks HTTP only, upgrades are not offered to guests";
        return Err((Problem::new(StatusCode::FORBIDDEN, message), endpoint::style(path)));
    }
    found.map_err(|refusal| match refusal {
        Refusal::Path => {
            let path: String = path.chars().take(200).collect();
            let message = format!("{method} {path} is not offered to guests");
            (Problem::new(StatusCode::FORBIDDEN, message), endpoint::style(&path))
        }
        Refusal::Method { allow, style } => {
            let message = format!("{path} takes {allow}, not {method}");
            let mut problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, message);
            problem.allow = Some(allow);
            (problem, style)
        }
    })
}

/// Answers a request.
pub(crate) async fn answer(
    shared: Rc<Shared>,
    signals: Rc<Signals>,
    request: Request<Incoming>,
    endpoint: Result<Endpoint, (Problem, Style)>,
) -> Response<Outgoing> {
    let (head, body) = request.into_parts();
    let mut record = None;
    let answered = match endpoint {
        Err((problem, style)) => {
            record = shared.log.open("model", &head, &[]);
            intake::drain(&head, body, &shared.limits, &signals).await;
            Err((problem, style))
        }
        Ok(endpoint) => serve(&shared, &signals, &head, body, endpoint, &mut record)
            .await
            .map_err(|problem| (problem, endpoint.style)),
    };
    let response = match answered {
        Ok(response) => response,
        Err((problem, style)) => problem.response(style).map(Outgoing::ready),
    };
    finish(response, record, &head)
}

/// Puts a response's line into the log.
pub(crate) fn finish(
    mut response: Response<Outgoing>,
    record: Option<Record>,
    head: &request::Parts,
) -> Response<Outgoing> {
    if let Some(mut record) = record {
        record.status(response.status().as_u16());
        response.body_mut().record(record, head.method == Method::HEAD);
    }
    response
}

async fn serve(
    shared: &Rc<Shared>,
    signals: &Rc<Signals>,
    head: &request::Parts,
    body: Incoming,
    endpoint: Endpoint,
    record: &mut Option<Record>,
) -> Result<Response<Outgoing>, Problem> {
    let (fold, generates) = match endpoint.kind {
        Kind::Short(fold) => (fold, false),
        Kind::Generate(fold) => (fold, true),
        kind => {
            *record = shared.log.open("model", head, &[]);
            return read(shared, signals, head, kind, endpoint).await;
        }
    };
    let job = match intake::read(head, body, &shared.limits, &shared.memory, signals).await {
        Err(problem) => {
            *record = shared.log.open("model", head, &[]);
            return Err(problem);
        }
        Ok((bytes, place)) => {
            *record = shared.log.open("model", head, &bytes);
            job(shared, head, endpoint, fold, generates, bytes, place)?
        }
    };
    forward::run(Rc::clone(shared), Rc::clone(signals), job).await
}

fn job(
    shared: &Shared,
    head: &request::Parts,
    endpoint: Endpoint,
    fold: Fold,
    generates: bool,
    bytes: Vec<u8>,
    mut place: intake::Place,
) -> Result<Job, Problem> {
    let body = rewrite::rewrite(&bytes, fold).map_err(Problem::bad)?;
    drop(bytes);
    shared.memory.fit(&mut place, body.text.capacity())?;
    let stream = body.stream && generates;
    let head = forward::head(head, Method::POST, endpoint.path);
    Ok(Job { head, body: Some(body.split(place)), generates, stream, style: endpoint.style })
}

/// What has no body.
async fn read(
    shared: &Rc<Shared>,
    signals: &Rc<Signals>,
    head: &request::Parts,
    kind: Kind,
    endpoint: Endpoint,
) -> Result<Response<Outgoing>, Problem> {
    match kind {
        Kind::Root => {
            let response = reply::response(StatusCode::OK, "text/plain", ROOT);
            return Ok(response.map(Outgoing::ready));
        }
        Kind::Models => {
            let list = models::list(&shared.link.status().await?);
            return Ok(reply::json_response(StatusCode::OK, &list).map(Outgoing::ready));
        }
        _ => {}
    }
    let head = forward::head(head, Method::GET, endpoint.path);
    let job = Job { head, body: None, generates: false, stream: false, style: endpoint.style };
    if kind != Kind::Props {
        return forward::run(Rc::clone(shared), Rc::clone(signals), job).await;
    }
    let mut response = forward::once(shared, &job).await?;
    let body = response.whole(models::MAX_PROPS).await;
    let props = body.as_deref().and_then(models::props);
    if response.head.status == StatusCode::OK {
        let strange = "the model server's properties cannot be read";
        let props = props.ok_or_else(|| Problem::new(StatusCode::BAD_GATEWAY, strange))?;
        let response = reply::response(StatusCode::OK, "application/json", Bytes::from(props));
        return Ok(response.map(Outgoing::ready));
    }
    Err(forward::problem(response.head.status, body.as_deref().unwrap_or_default()))
}

#[cfg(test)]
#[path = "model_port_test.rs"]
mod tests;
