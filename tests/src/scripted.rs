//! A model server whose answers are scripted.
//!
//! It speaks what agents speak to llama-server: Anthropic's messages and OpenAI's chat
//! completions and responses, in one piece or as server-sent events. A [`Scripted`] asks its
//! script what to answer, in the thread of that connection, so that a script can also wait; it
//! keeps every request for the test to look at.

mod dialect;
mod http;

use std::{
    io::{self, Read, Write},
    net::TcpListener,
    os::unix::net::UnixListener,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use serde_json::{Value, json};

use dialect::Dialect;
pub use http::Request;

/// The model that it says it serves.
pub const MODEL: &str = "scripted";

/// What it answers to a prompt.
#[derive(Debug, Clone)]
pub enum Turn {
    /// A text.
    Say(String),
    /// A call of one of the agent's tools.
    Use {
        /// Its name.
        tool: String,
        /// Its arguments.
        input: Value,
    },
    /// A few words of a text, then the connection breaks, as when the server is killed.
    Break(String),
    /// Word after word until the client has gone.
    Endless,
}

impl Turn {
    /// A text.
    pub fn say(text: &str) -> Self {
        Self::Say(text.into())
    }

    /// A call of a tool.
    pub fn call(tool: &str, input: Value) -> Self {
        Self::Use { tool: tool.into(), input }
    }
}

/// What can be read, written and handed to a thread.
trait Connection: Read + Write + Send {}
impl<T: Read + Write + Send> Connection for T {}

type Script = dyn Fn(&Request) -> Turn + Send + Sync;

/// The server. Its threads end with the test's process.
pub struct Scripted {
    shared: Arc<Shared>,
    upstream: String,
}

struct Shared {
    script: Box<Script>,
    requests: Mutex<Vec<Request>>,
    given_up: AtomicUsize,
}

impl Scripted {
    /// Serves on a free port of 127.0.0.1.
    pub fn on_loopback(script: impl Fn(&Request) -> Turn + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let upstream = format!("http://{}", listener.local_addr().unwrap());
        Self::start(upstream, script, move || Ok(Box::new(listener.accept()?.0)))
    }

    /// Serves on a Unix socket at `path`.
    pub fn on_socket(
        path: &Path,
        script: impl Fn(&Request) -> Turn + Send + Sync + 'static,
    ) -> Self {
        let listener = UnixListener::bind(path).unwrap();
        let upstream = format!("unix:{}", path.display());
        Self::start(upstream, script, move || Ok(Box::new(listener.accept()?.0)))
    }

    fn start(
        upstream: String,
        script: impl Fn(&Request) -> Turn + Send + Sync + 'static,
        mut accept: impl FnMut() -> io::Result<Box<dyn Connection>> + Send + 'static,
    ) -> Self {
        let shared = Arc::new(Shared {
            script: Box::new(script),
            requests: Mutex::default(),
            given_up: AtomicUsize::new(0),
        });
        let served = Arc::clone(&shared);
        thread::spawn(move || {
            while let Ok(connection) = accept() {
                let shared = Arc::clone(&served);
                // A connection that breaks is the client's affair.
                thread::spawn(move || shared.serve(connection));
            }
        });
        Self { shared, upstream }
    }

    /// Where it is, as `--upstream` takes it.
    pub fn upstream(&self) -> &str {
        &self.upstream
    }

    /// The requests so far, in order of their arrival.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// Those of them that were prompts.
    pub fn prompts(&self) -> Vec<Request> {
        let mut all = self.requests();
        all.retain(|request| Dialect::of(request.path()).is_some());
        all
    }

    /// How many answers no client waited for to the end.
    pub fn given_up(&self) -> usize {
        self.shared.given_up.load(Ordering::SeqCst)
    }
}

impl Shared {
    fn serve(&self, connection: Box<dyn Connection>) -> io::Result<()> {
        let mut connection = io::BufReader::new(connection);
        while let Some(request) = http::read(&mut connection)? {
            self.requests.lock().unwrap().push(request.clone());
            let to = connection.get_mut();
            match (request.method.as_str(), request.path()) {
                ("HEAD", _) => http::head(to)?,
                ("GET", "/health" | "/v1/health") => {
                    http::reply(to, 200, &json!({"status": "ok"}))?
                }
                ("GET", "/models" | "/v1/models") => http::reply(to, 200, &models())?,
                ("GET", "/props") => http::reply(to, 200, &props())?,
                ("POST", "/v1/messages/count_tokens") => {
                    http::reply(to, 200, &json!({"input_tokens": request.text.len() / 4}))?;
                }
                ("POST", path) => match Dialect::of(path) {
                    Some(dialect) => self.answer(dialect, &request, to)?,
                    None => http::reply(to, 404, &not_found())?,
                },
                _ => http::reply(to, 404, &not_found())?,
            }
            if request.header("connection") == Some("close") {
                break;
            }
        }
        Ok(())
    }

    fn answer(&self, dialect: Dialect, request: &Request, to: &mut dyn Write) -> io::Result<()> {
        let turn = (self.script)(request);
        if request.body["stream"] == true {
            let sent = stream(dialect, &turn, to);
            if sent.is_err() && !matches!(turn, Turn::Break(_)) {
                self.given_up.fetch_add(1, Ordering::SeqCst);
            }
            sent
        } else {
            match dialect.whole(&turn) {
                Some(whole) => http::reply(to, 200, &whole),
                None => Err(broken()),
            }
        }
    }
}

fn stream(dialect: Dialect, turn: &Turn, to: &mut dyn Write) -> io::Result<()> {
    http::open_stream(to)?;
    for event in dialect.opening(turn) {
        http::event(to, &event)?;
    }
    match turn {
        Turn::Say(text) => {
            for word in text.split_inclusive(' ') {
                http::event(to, &dialect.word(word))?;
            }
        }
        Turn::Use { input, .. } => {
            for event in dialect.arguments(&input.to_string()) {
                http::event(to, &event)?;
            }
        }
        Turn::Break(text) => {
            http::event(to, &dialect.word(text))?;
            return Err(broken());
        }
        Turn::Endless => loop {
            http::event(to, &dialect.word("and "))?;
            thread::sleep(Duration::from_millis(20));
        },
    }
    for event in dialect.closing(turn) {
        http::event(to, &event)?;
    }
    http::close_stream(to)
}

fn broken() -> io::Error {
    io::Error::other("broken as the script has it")
}

/// As llama-server lists them, with paths of the host that no guest may see.
fn models() -> Value {
    json!({
        "object": "list",
        "data": [{"id": MODEL, "object": "model", "created": 0, "owned_by": "llamacpp",
                  "path": "/host/path/of/a.gguf", "args": ["--model", "/host/path/of/a.gguf"],
                  "meta": {"n_ctx": 65_536, "n_ctx_train": 131_072}}],
    })
}

fn props() -> Value {
    json!({"default_generation_settings": {"n_ctx": 65_536}, "total_slots": 4,
           "model_path": "/host/path/of/a.gguf"})
}

fn not_found() -> Value {
    json!({"error": {"message": "File Not Found", "type": "not_found_error", "code": 404}})
}

#[cfg(test)]
#[path = "scripted_test.rs"]
mod tests;
