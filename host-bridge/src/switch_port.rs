//! The switch port: which models there are, and another one, please.
//!
//! | | answer |
//! |---|---|
//! | `GET /models` | `{"models":[{"id","name","ctx_size","active"}]}` |
//! | `GET /status` | `{"model","model_name","state","status"}` |
//! | `POST /switch` `{"model":"id"}` | `{"success":true,"model","model_name","state"}` once it serves, or 400, 404, 409 |

use std::rc::Rc;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};

use crate::bridge::Shared;
use crate::endpoint::Style;
use crate::intake;
use crate::io::Signals;
use crate::limits::Limits;
use crate::link::{Entry, Failure, State, Status};
use crate::model_port::finish;
use crate::outgoing::Outgoing;
use crate::reply::{self, Problem};
use crate::text::Fields;

/// Longest body of `POST /switch`.
const MAX_BODY: usize = 64 << 10;
/// Longest id that is looked for.
const MAX_ID: usize = 256;

/// Answers a request.
pub(crate) async fn answer(
    shared: Rc<Shared>,
    signals: Rc<Signals>,
    request: Request<Incoming>,
) -> Response<Outgoing> {
    let (head, body) = request.into_parts();
    let mut record = None;
    let uri = &head.uri;
    let path = if uri.authority().is_some() { "" } else { uri.path() };
    let reads = matches!(head.method, Method::GET | Method::HEAD);
    let answered = match path {
        "/switch" if head.method == Method::POST => {
            let limits = Limits { body: MAX_BODY, ..shared.limits };
            match intake::read(&head, body, &limits, &shared.memory, &signals).await {
                Ok((bytes, _place)) => {
                    record = shared.log.open("switch", &head, &bytes);
                    switch(&shared, &bytes).await
                }
                Err(problem) => Err(problem),
            }
        }
        "/models" | "/status" | "/switch" if !reads || path == "/switch" => {
            record = shared.log.open("switch", &head, &[]);
            intake::drain(&head, body, &shared.limits, &signals).await;
            let allow = if path == "/switch" { "POST" } else { "GET, HEAD" };
            let message = format!("{path} takes {allow}, not {}", head.method);
            let mut problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, message);
            problem.allow = Some(allow);
            Err(problem)
        }
        "/models" => {
            record = shared.log.open("switch", &head, &[]);
            shared.link.models().await.map(|all| models(&all)).map_err(Problem::from)
        }
        "/status" => {
            record = shared.log.open("switch", &head, &[]);
            shared.link.status().await.map(|now| status(&now)).map_err(Problem::from)
        }
        _ => {
            record = shared.log.open("switch", &head, &[]);
            intake::drain(&head, body, &shared.limits, &signals).await;
            let message = "there are /models, /status and /switch";
            Err(Problem::new(StatusCode::NOT_FOUND, message))
        }
    };
    let response: Response<Bytes> = match answered {
        Ok(body) => reply::json_response(StatusCode::OK, &body),
        Err(problem) => problem.response(Style::OpenAi),
    };
    finish(response.map(Outgoing::ready), record, &head)
}

async fn switch(shared: &Shared, body: &[u8]) -> Result<Value, Problem> {
    let fields: Fields<'_> = std::str::from_utf8(body)
        .ok()
        .and_then(|body| serde_json::from_str(body).ok())
        .ok_or_else(|| Problem::bad("the body must be JSON: {\"model\": \"id\"}"))?;
    let model = fields.text("model").filter(|model| !model.is_empty());
    let model =
        model.ok_or_else(|| Problem::bad("the body names no model: {\"model\": \"id\"}"))?;
    if model.len() > MAX_ID {
        let id: String = model.chars().take(40).collect();
        return Err(Failure::Unknown(format!("{id}…")).into());
    }
    let status = tokio::time::timeout(shared.limits.hold, shared.link.switch(&model)).await;
    let status = status.map_err(|_| {
        Problem::new(StatusCode::GATEWAY_TIMEOUT, "the model is still being loaded")
    })??;
    Ok(json!({
        "success": true,
        "model": status.model,
        "model_name": status.name,
        "state": status.state,
    }))
}

fn models(entries: &[Entry]) -> Value {
    let entry =
        |e: &Entry| json!({"id": e.id, "name": e.name, "ctx_size": e.context, "active": e.active});
    json!({"models": entries.iter().map(entry).collect::<Vec<_>>()})
}

fn status(now: &Status) -> Value {
    let text = match now.state {
        State::Idle => "no model is loaded",
        State::Starting => "the model is being loaded",
        State::Running => "the model serves",
    };
    json!({"model": now.model, "model_name": now.name, "state": now.state, "status": text})
}

#[cfg(test)]
#[path = "switch_port_test.rs"]
mod tests;
