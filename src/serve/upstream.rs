//! A model server that somebody else runs: reached by its socket, never started, stopped or
//! switched here.

use std::{
    io,
    net::{SocketAddr, TcpStream},
    os::{fd::OwnedFd, unix::net::UnixStream},
    path::PathBuf,
    time::Duration,
};

use host_bridge::link::{Entry, Failure, State, Status, Supplier};
use serde::Serialize;
use serde_json::Value;

use super::health::{self, Stream};

/// Something on this machine answers a connection at once.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where it listens. Only this machine: what leaves it would be somebody's cloud.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Upstream {
    /// `unix:/path`.
    Unix(PathBuf),
    /// `http://127.0.0.1:PORT`.
    Tcp(SocketAddr),
}

impl std::fmt::Display for Upstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Tcp(address) => write!(f, "http://{address}"),
        }
    }
}

impl std::str::FromStr for Upstream {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wanted = "wanted is unix:/PATH or http://127.0.0.1:PORT";
        if let Some(path) = text.strip_prefix("unix:") {
            let path = PathBuf::from(path.strip_prefix("//").unwrap_or(path));
            return if path.is_absolute() {
                Ok(Self::Unix(path))
            } else {
                Err(format!("`{text}` has no absolute path; {wanted}"))
            };
        }
        let Some(rest) = text.strip_prefix("http://") else {
            return Err(format!("`{text}` is no server on this machine; {wanted}"));
        };
        let host = rest.strip_suffix('/').unwrap_or(rest).replacen("localhost:", "127.0.0.1:", 1);
        match host.parse::<SocketAddr>() {
            Ok(address) if address.ip().is_loopback() && address.port() != 0 => {
                Ok(Self::Tcp(address))
            }
            Ok(_) => Err(format!("`{text}` is not on this machine; {wanted}")),
            Err(_) => Err(format!("`{text}` cannot be read; {wanted}")),
        }
    }
}

impl Upstream {
    fn connect(&self) -> io::Result<Stream> {
        Ok(match self {
            Self::Unix(path) => Stream::Unix(UnixStream::connect(path)?),
            Self::Tcp(address) => {
                let stream = TcpStream::connect_timeout(address, PATIENCE)?;
                stream.set_nodelay(true)?;
                Stream::Tcp(stream)
            }
        })
    }
}

/// Supplies it.
#[derive(Debug)]
pub struct Foreign {
    upstream: Upstream,
    /// What it calls its model, and how large its context is.
    model: String,
    context: Option<u32>,
    /// It speaks Anthropic's wire.
    pub messages: bool,
}

impl Foreign {
    /// Looks at it.
    ///
    /// # Errors
    /// Nobody listens there, or does not speak HTTP.
    pub fn look(upstream: Upstream) -> io::Result<Self> {
        let ask = |path, body: Option<&Value>| health::ask(upstream.connect()?, path, body);
        ask("/health", None)?;
        let json = |path| ask(path, None).ok().filter(|r| r.status == 200)?.json();
        let model = json("/v1/models")
            .and_then(|models| Some(models["data"].get(0)?["id"].as_str()?.to_owned()))
            .unwrap_or_else(|| "local".into());
        let context = json("/props").as_ref().and_then(health::context);
        let mut probe = health::messages_probe();
        probe["model"] = model.clone().into();
        let messages =
            ask("/v1/messages/count_tokens", Some(&probe)).is_ok_and(|reply| reply.status == 200);
        Ok(Self { upstream, model, context, messages })
    }

    /// How large its context is, in tokens, if it tells.
    pub fn context(&self) -> Option<u32> {
        self.context
    }
}

impl Supplier for Foreign {
    fn connect(&self, _wait: bool) -> Result<OwnedFd, Failure> {
        match self.upstream.connect() {
            Ok(Stream::Unix(stream)) => Ok(stream.into()),
            Ok(Stream::Tcp(stream)) => Ok(stream.into()),
            Err(error) => {
                Err(Failure::Down(format!("the model server does not answer: {}", error.kind())))
            }
        }
    }

    fn switch(&self, model: &str) -> Result<Status, Failure> {
        if model == self.model {
            return Ok(self.status());
        }
        Err(Failure::Fixed("this server's model cannot be switched from here".into()))
    }

    fn models(&self) -> Vec<Entry> {
        let Status { model, name, context, .. } = self.status();
        vec![Entry { id: model, name, context, active: true }]
    }

    fn status(&self) -> Status {
        Status {
            state: State::Running,
            model: self.model.clone(),
            name: self.model.clone(),
            context: self.context,
        }
    }
}

#[cfg(test)]
#[path = "upstream_test.rs"]
mod tests;
