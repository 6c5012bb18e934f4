//! What is offered to guests: exact methods and paths, nothing else.

use hyper::{Method, Uri};

/// How errors look to the client of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// `{"error":{"message","type","code"}}`
    OpenAi,
    /// The same, but `{"type":"error",…}` within a stream.
    Responses,
    /// `{"type":"error","error":{"type","message"}}`
    Anthropic,
}

/// Where system messages may stand in a body, and so where they are folded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fold {
    /// There are none.
    No,
    /// `messages`: into the first.
    Chat,
    /// `input`: into `instructions`.
    Responses,
    /// `messages`: into `system`.
    Anthropic,
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The bridge answers: it is here.
    Root,
    /// The bridge answers: what is loaded.
    Models,
    /// Passed on without a body.
    Health,
    /// Passed on without a body; only what is harmless comes back.
    Props,
    /// A body that is answered at once: a client may end its side and wait.
    Short(Fold),
    /// A body that is answered by generating: a client that ends its side has gone.
    Generate(Fold),
}

/// An offered endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub path: &'static str,
    pub kind: Kind,
    pub style: Style,
}

impl Endpoint {
    /// It takes GET and HEAD; the others take POST.
    pub(crate) fn reads(&self) -> bool {
        matches!(self.kind, Kind::Root | Kind::Models | Kind::Health | Kind::Props)
    }
}

const fn get(path: &'static str, kind: Kind) -> Endpoint {
    Endpoint { path, kind, style: Style::OpenAi }
}

const fn post(path: &'static str, kind: Kind, style: Style) -> Endpoint {
    Endpoint { path, kind, style }
}

/// All that is offered.
pub(crate) const ENDPOINTS: [Endpoint; 23] = {
    use Fold::{Anthropic as Messages, Chat, No, Responses as Items};
    use Kind::{Generate, Health, Models, Props, Root, Short};
    use Style::{Anthropic, OpenAi, Responses};
    [
        get("/", Root),
        get("/health", Health),
        get("/v1/health", Health),
        get("/models", Models),
        get("/v1/models", Models),
        get("/props", Props),
        post("/v1/messages", Generate(Messages), Anthropic),
        post("/v1/messages/count_tokens", Short(Messages), Anthropic),
        post("/v1/chat/completions", Generate(Chat), OpenAi),
        post("/v1/chat/completions/input_tokens", Short(Chat), OpenAi),
        post("/chat/completions", Generate(Chat), OpenAi),
        post("/v1/completions", Generate(No), OpenAi),
        post("/completions", Generate(No), OpenAi),
        post("/completion", Generate(No), OpenAi),
        post("/v1/responses", Generate(Items), Responses),
        post("/v1/responses/input_tokens", Short(Items), Responses),
        post("/v1/embeddings", Generate(No), OpenAi),
        post("/embeddings", Generate(No), OpenAi),
        post("/v1/rerank", Generate(No), OpenAi),
        post("/tokenize", Short(No), OpenAi),
        post("/detokenize", Short(No), OpenAi),
        post("/apply-template", Short(Chat), OpenAi),
        post("/infill", Generate(No), OpenAi),
    ]
};

/// Why a request is not let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Not in the table.
    Path,
    /// In the table with another method.
    Method {
        /// What it takes, for the header `Allow`.
        allow: &'static str,
        /// Of the endpoint.
        style: Style,
    },
}

/// The endpoint that a request names. The path must be one of the table letter by letter: nothing
/// is decoded or cleaned up, since the server might do that in another way. Absolute forms
/// (`GET http://…`) and `*` name none. The query is not looked at, nor passed on.
pub(crate) fn find(method: &Method, uri: &Uri) -> Result<Endpoint, Refusal> {
    if uri.scheme().is_some() || uri.authority().is_some() {
        return Err(Refusal::Path);
    }
    let endpoint = ENDPOINTS.iter().find(|e| e.path == uri.path()).ok_or(Refusal::Path)?;
    let allow = if endpoint.reads() { "GET, HEAD" } else { "POST" };
    let allowed = match *method {
        Method::GET | Method::HEAD => endpoint.reads(),
        Method::POST => !endpoint.reads(),
        _ => false,
    };
    // With another method these are the server's administration.
    let administers = matches!(endpoint.kind, Kind::Models | Kind::Props);
    match (allowed, administers) {
        (true, _) => Ok(*endpoint),
        (false, true) => Err(Refusal::Path),
        (false, false) => Err(Refusal::Method { allow, style: endpoint.style }),
    }
}

/// How errors look for a path, offered or not.
pub(crate) fn style(path: &str) -> Style {
    if path.starts_with("/v1/messages") { Style::Anthropic } else { Style::OpenAi }
}

#[cfg(test)]
#[path = "endpoint_test.rs"]
mod tests;
