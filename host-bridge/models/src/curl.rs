//! The system's `curl`, which does TLS, proxies and redirects for us.
//!
//! ```text
//! qvm ── stdin: header with the token ──▶ curl ──▶ hub
//!     ◀── stdout: the file's bytes ──────┘
//!     ◀── stderr: what went wrong, and the status of HTTP
//! ```
//!
//! The bytes come through a pipe: qvm writes, counts and hashes them, and a curl whose qvm is gone
//! ends by itself.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::programs;

/// Variables that curl keeps: proxies, and where certificates are.
const KEPT: &[&str] = &[
    "http_proxy",
    "https_proxy",
    "HTTPS_PROXY",
    "all_proxy",
    "ALL_PROXY",
    "no_proxy",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "CURL_CA_BUNDLE",
    "NIX_SSL_CERT_FILE",
];

/// Longest message of curl that is passed on, in characters.
const LONGEST_MESSAGE: usize = 200;

/// What is wrong with the surroundings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// No curl.
    #[error("models are fetched with curl, which is not installed")]
    Absent,
    /// Characters that no token has.
    #[error("HF_TOKEN has characters that no token has")]
    Token,
    /// Not the beginning of a URL.
    #[error("HF_ENDPOINT is {0:?}; it is like https://huggingface.co")]
    Endpoint(String),
}

/// How a transfer failed.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The server answered with that status of HTTP.
    Status(u16),
    /// It does not do parts of files.
    NoRange,
    /// Fewer bytes came than announced, or the line went dead.
    Cut(String),
    /// Anything else, in curl's words.
    Other(String),
}

/// A curl and what it is to use.
#[derive(Clone)]
pub struct Curl {
    program: PathBuf,
    token: Option<String>,
    environment: Vec<(OsString, OsString)>,
}

impl std::fmt::Debug for Curl {
    // Not the token.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Curl").field("program", &self.program).finish_non_exhaustive()
    }
}

impl Curl {
    /// Finds curl in `$PATH`, outside the folders `shared`, with what `variable` says.
    ///
    /// # Errors
    /// [`SetupError::Absent`], [`SetupError::Token`].
    pub fn find(
        variable: impl Fn(&str) -> Option<OsString>,
        shared: &[PathBuf],
    ) -> Result<Self, SetupError> {
        let path = variable("PATH").unwrap_or_default();
        let program = programs::search("curl", &path, shared).ok_or(SetupError::Absent)?;
        let token = variable("HF_TOKEN").filter(|token| !token.is_empty());
        let token = token.map(|token| token.into_string().map_err(|_| SetupError::Token));
        let token = token.transpose()?;
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-.~+/=".contains(&b);
        if token.as_ref().is_some_and(|token| !token.bytes().all(plain)) {
            return Err(SetupError::Token);
        }
        let kept = KEPT.iter().filter_map(|name| Some((OsString::from(name), variable(name)?)));
        Ok(Self { program, token, environment: kept.collect() })
    }

    /// Whether a token is there.
    #[must_use]
    pub fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// Where it is.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Starts fetching what is at `url`, for others than models. What comes is to be bounded and
    /// checked by whoever reads it.
    ///
    /// # Errors
    /// That curl cannot be started.
    pub fn fetch(&self, url: &str) -> io::Result<Body> {
        self.start(url, 0).map(Body)
    }

    /// Starts fetching `url` from byte `offset` on.
    pub(crate) fn start(&self, url: &str, offset: u64) -> io::Result<Transfer> {
        let secure = url.starts_with("https://");
        let schemes = if secure { "=https" } else { "=http,https" };
        let mut command = Command::new(&self.program);
        // -q comes first: no file of the user's may change what follows.
        command.args(["-q", "--config", "-", "--silent", "--show-error", "--fail", "--globoff"]);
        command.args(["--proto", schemes, "--proto-redir", schemes, "--location"]);
        command.args(["--max-redirs", "5", "--connect-timeout", "30"]);
        command.args(["--speed-limit", "1", "--speed-time", "60"]);
        command.args(["--write-out", "%{stderr}\n%{http_code}", "--output", "-"]);
        if offset > 0 {
            command.args(["--continue-at", &offset.to_string()]);
        }
        command.args(["--url", url]);
        command.env_clear().envs(self.environment.iter().map(|(k, v)| (k, v)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        // The token goes over a line that is closed to others, or that stays on this machine.
        let local = ["http://127.0.0.1:", "http://localhost:"];
        let private = secure || local.iter().any(|start| url.starts_with(start));
        if let (Some(token), true, Some(mut stdin)) = (&self.token, private, child.stdin.take()) {
            // A curl that ended already says why itself.
            let _ = writeln!(stdin, "header = \"Authorization: Bearer {token}\"");
        }
        drop(child.stdin.take());
        let stdout = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        Ok(Transfer { child, stdout })
    }
}

/// A transfer under way.
pub(crate) struct Transfer {
    child: Child,
    /// The bytes.
    pub stdout: ChildStdout,
}

impl Transfer {
    /// Waits for the end of it. To be called when `stdout` has ended.
    pub(crate) fn finish(mut self) -> Result<(), Fault> {
        let mut said = String::new();
        if let Some(stderr) = self.child.stderr.take() {
            // Its words are for people; bytes that are no text are not worth a failure.
            let _ = stderr.take(1 << 16).read_to_string(&mut said);
        }
        let status = self.child.wait().map_err(|e| Fault::Other(e.to_string()))?;
        match status.code() {
            Some(0) => Ok(()),
            code => Err(fault(code, &said)),
        }
    }
}

/// The bytes of a transfer.
pub struct Body(Transfer);

impl io::Read for Body {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        self.0.stdout.read(to)
    }
}

impl Body {
    /// Why fewer bytes came than there are, if that is so; for whoever read it to its end.
    #[must_use]
    pub fn failure(mut self) -> Option<String> {
        // Whoever stopped reading early is why curl complains then.
        if !matches!(self.0.stdout.read(&mut [0]), Ok(0)) {
            return None;
        }
        match self.0.finish().err()? {
            Fault::Status(status) => Some(format!("the server answered {status}")),
            Fault::NoRange => Some("the server does not do parts of files".into()),
            Fault::Cut(why) | Fault::Other(why) => Some(why),
        }
    }
}

impl Drop for Transfer {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What an exit status and the messages mean.
fn fault(code: Option<i32>, said: &str) -> Fault {
    let status = said.lines().last().and_then(|line| line.trim().parse::<u16>().ok());
    let message = said.lines().find(|line| line.starts_with("curl:")).unwrap_or("curl failed");
    let message = message.split_once(") ").map_or(message, |(_, rest)| rest);
    let message: String =
        message.chars().filter(|c| !c.is_control()).take(LONGEST_MESSAGE).collect();
    match (code, status) {
        (Some(22), Some(status)) => Fault::Status(status),
        // 33: no ranges. 416 arrives as 22 and is the caller's to understand.
        (Some(33), _) => Fault::NoRange,
        (Some(18 | 28 | 52 | 55 | 56), _) => Fault::Cut(message),
        _ => Fault::Other(message),
    }
}

/// Where the hub is: `$HF_ENDPOINT` or huggingface.co, without a slash at the end.
///
/// # Errors
/// [`SetupError::Endpoint`].
pub fn endpoint(variable: Option<&OsStr>) -> Result<String, SetupError> {
    let Some(text) = variable.filter(|text| !text.is_empty()) else {
        return Ok("https://huggingface.co".into());
    };
    let wrong = || SetupError::Endpoint(text.to_string_lossy().into_owned());
    let text = text.to_str().ok_or_else(wrong)?.trim_end_matches('/');
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.:/[]".contains(&b);
    match rest {
        Some(rest) if !rest.is_empty() && rest.bytes().all(plain) => Ok(text.into()),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
#[path = "curl_test.rs"]
mod tests;
