//! What a guest may ask of a language model: an HTTP filter in front of the model server.
//!
//! A [`Bridge`] runs in a process of its own, between a hostile guest and a server that is worth
//! attacking. It has no files and makes no sockets: the guest's connections arrive on channels,
//! those to the server over the [`link`]. Everything else is refused.
//!
//! # Model port
//!
//! | request | what becomes of it |
//! |---|---|
//! | `GET /` | answered here: it is there |
//! | `GET /models`, `/v1/models` | answered here: `local` and what is loaded, no paths |
//! | `GET /health`, `/v1/health` | passed on; 503 at once while a model is loaded |
//! | `GET /props` | context, slots, template; no paths |
//! | `POST /v1/messages`, `…/count_tokens` | Anthropic |
//! | `POST /v1/chat/completions`, `…/input_tokens`, `/chat/completions` | OpenAI |
//! | `POST /v1/responses`, `…/input_tokens` | OpenAI |
//! | `POST /v1/completions`, `/completions`, `/completion`, `/infill` | text |
//! | `POST /v1/embeddings`, `/embeddings`, `/v1/rerank` | vectors |
//! | `POST /tokenize`, `/detokenize`, `/apply-template` | tokens |
//! | anything else | 403; 405 for another method; `HEAD` goes where `GET` does |
//!
//! A request is parsed, checked, rewritten and made anew: the server never sees a byte of the
//! guest's framing, and no header but `accept`, `user-agent`, `anthropic-version` and
//! `anthropic-beta`. What happens to its body is described in `rewrite`, to its response in
//! `forward`. Events are passed on as they come; a guest that hangs up ends its request at the
//! server.
//!
//! # Switch port
//!
//! `GET /models`, `GET /status`, `POST /switch`: see `switch_port`.
#![forbid(unsafe_code)]

mod bridge;
mod endpoint;
mod fold;
mod forward;
#[doc(hidden)]
pub mod fuzzing;
mod intake;
mod io;
mod limits;
pub mod link;
mod log;
mod media;
mod model_port;
mod models;
mod outgoing;
mod reply;
mod rewrite;
mod switch_port;
mod sys;
#[cfg(test)]
mod testing;
mod text;
mod upstream;

pub use bridge::{Accept, Bridge, Config};
pub use limits::Limits;
pub use sys::pair;
