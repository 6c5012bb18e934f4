//! Responses that the bridge makes itself.

use bytes::Bytes;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::{Value, json};

use crate::endpoint::Style;
use crate::link::Failure;

/// An error for a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub status: StatusCode,
    pub message: String,
    /// What the endpoint takes, with 405.
    pub allow: Option<&'static str>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), allow: None }
    }

    pub(crate) fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// What the server itself says while it loads.
    pub(crate) fn loading() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "Loading model")
    }

    /// As an OpenAI or Anthropic server would say it.
    pub(crate) fn body(&self, style: Style) -> Value {
        let kind = match (self.status.as_u16(), style) {
            (403, _) => "permission_error",
            (404, _) => "not_found_error",
            (413, Style::Anthropic) => "request_too_large",
            (503, Style::Anthropic) => "overloaded_error",
            (503, _) => "unavailable_error",
            (400..=499, _) => "invalid_request_error",
            (_, Style::Anthropic) => "api_error",
            _ => "server_error",
        };
        let message = &self.message;
        let code = self.status.as_u16();
        match style {
            Style::Anthropic => {
                json!({"type": "error", "error": {"type": kind, "message": message}})
            }
            Style::OpenAi | Style::Responses => {
                json!({"error": {"message": message, "type": kind, "code": code}})
            }
        }
    }

    pub(crate) fn response(&self, style: Style) -> Response<Bytes> {
        let mut response = json_response(self.status, &self.body(style));
        if let Some(allow) = self.allow {
            response.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
        }
        response
    }

    /// As an event that ends a stream.
    pub(crate) fn event(&self, style: Style) -> Bytes {
        let body = self.body(style);
        let event = match style {
            Style::OpenAi => format!("data: {body}\n\n"),
            Style::Anthropic => format!("event: error\ndata: {body}\n\n"),
            Style::Responses => {
                let code = body.pointer("/error/type");
                let body = json!({"type": "error", "code": code, "message": self.message});
                format!("event: error\ndata: {body}\n\n")
            }
        };
        event.into()
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        let status = match failure {
            Failure::Loading => return Self::loading(),
            Failure::Unknown(_) => StatusCode::NOT_FOUND,
            Failure::Busy | Failure::Fixed(_) => StatusCode::CONFLICT,
            Failure::Down(_) => StatusCode::BAD_GATEWAY,
        };
        Self::new(status, failure.to_string())
    }
}

pub(crate) fn json_response(status: StatusCode, body: &Value) -> Response<Bytes> {
    response(status, "application/json; charset=utf-8", body.to_string())
}

pub(crate) fn response(
    status: StatusCode,
    kind: &'static str,
    body: impl Into<Bytes>,
) -> Response<Bytes> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
