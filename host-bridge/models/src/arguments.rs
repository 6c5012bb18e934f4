//! The command line of the model server.

use std::ffi::{OsStr, OsString};

use crate::flags::{self, FlagError};
use crate::profile::{GpuLayers, Profile};
use crate::server::{Kind, Server};
use crate::units;

/// Smallest context that Claude Code works in, in tokens: its own prompt takes half of it.
pub const ENOUGH_FOR_CLAUDE: u32 = 32768;

/// Where the files of a model are, as the server sees them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inside<'a> {
    /// Weights; of several parts the first.
    pub model: &'a str,
    /// Vision projector.
    pub mmproj: Option<&'a str>,
    /// The socket it listens on; ends in `.sock`.
    pub socket: &'a str,
}

/// The arguments after the program's name: the listener and what qvm insists on first, then what
/// the profile says, then its own arguments, then `extra` (the server takes the last of two).
///
/// # Errors
/// [`FlagError`].
pub fn arguments(
    server: &Server,
    profile: &Profile,
    inside: &Inside<'_>,
    extra: &[OsString],
) -> Result<Vec<OsString>, FlagError> {
    if !inside.socket.ends_with(".sock") || inside.socket.contains(',') {
        return Err(FlagError::Socket(inside.socket.into()));
    }
    for path in [Some(inside.model), inside.mmproj].into_iter().flatten() {
        if path.contains(',') || !path.starts_with('/') {
            return Err(FlagError::Path(path.into()));
        }
    }
    let mut list = List::default();
    if server.kind == Kind::Llamafile {
        list.flags(&["--server", "--nobrowser"]);
    }
    // A port is not used with a socket; its default is about to change, so it is said.
    list.pair("--host", inside.socket).pair("--port", "8080");
    list.pair("--model", inside.model).pair("--alias", profile.id.as_str());
    // The older of two spellings: both old and new servers know it.
    list.flags(&["--offline", "--no-webui", "--no-slots", "--jinja"]);
    list.pair("--fit", if profile.fit { "on" } else { "off" });
    list.number("--fit-target", profile.fit_target);
    list.number("--ctx-size", profile.context);
    // Never a number of our own: it would keep --fit from its work.
    if let GpuLayers::Count(count) = profile.gpu_layers {
        list.number("--n-gpu-layers", Some(count));
    }
    list.number("--parallel", profile.parallel).number("--cache-ram", profile.cache_ram);
    if let Some(projector) = inside.mmproj {
        list.pair("--mmproj", projector);
    }
    for (option, value) in profile.sampling.arguments() {
        list.pair(&option, &value);
    }
    if profile.args.len() > 128 || extra.len() > 128 {
        return Err(FlagError::TooMany);
    }
    let own = profile.args.iter().map(OsString::from);
    for arg in own.chain(extra.iter().cloned()) {
        flags::check(&arg)?;
        list.0.push(arg);
    }
    Ok(list.0)
}

/// Arguments being put together.
#[derive(Default)]
struct List(Vec<OsString>);

impl List {
    fn flags(&mut self, flags: &[&str]) -> &mut Self {
        self.0.extend(flags.iter().map(OsString::from));
        self
    }

    fn pair(&mut self, option: &str, value: &str) -> &mut Self {
        self.flags(&[option, value])
    }

    fn number(&mut self, option: &str, value: Option<impl Into<u64>>) -> &mut Self {
        match value {
            Some(value) => self.pair(option, &value.into().to_string()),
            None => self,
        }
    }
}

/// The context that a command line asks for, in tokens: the last of its `--ctx-size`.
#[must_use]
pub fn context_of(arguments: &[OsString]) -> Option<u32> {
    let named = |arg: &OsStr| arg == "-c" || arg == "--ctx-size" || arg == "--ctx_size";
    let at = arguments.iter().rposition(|arg| named(arg))?;
    units::tokens(arguments.get(at + 1)?.to_str()?).ok()
}

/// The five lines that `qvm serve` begins with.
#[must_use]
pub fn banner(server: &Server, profile: &Profile, listener: &str, extra: &[OsString]) -> String {
    let own = profile.args.iter().map(OsString::from);
    let extra: Vec<String> = own.chain(extra.iter().cloned()).map(|arg| shown(&arg)).collect();
    let extra = if extra.is_empty() { "-".to_owned() } else { extra.join(" ") };
    format!(
        "binary    {}\nmodel     {}\nalias     {}\nlistener  {}\nextra     {extra}\n",
        shown(server.program.as_os_str()),
        shown(OsStr::new(&profile.model.to_string())),
        profile.id,
        shown(OsStr::new(listener)),
    )
}

/// One argument in one line: quoted where a shell needs it, control characters escaped.
fn shown(arg: &OsStr) -> String {
    let text: String = arg
        .to_string_lossy()
        .chars()
        .flat_map(|c| match c.is_control() {
            true => c.escape_default().collect::<Vec<_>>(),
            false => vec![c],
        })
        .collect();
    let plain = |c: char| c.is_alphanumeric() || "-_./:=,+@%~".contains(c);
    match !text.is_empty() && text.chars().all(plain) {
        true => text,
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

/// What to tell somebody whose agent will not fit into the model's context.
#[must_use]
pub fn context_note(context: u32, agent: &str) -> Option<String> {
    let claude = agent == "claude" || agent.ends_with("/claude");
    (claude && context < ENOUGH_FOR_CLAUDE).then(|| {
        format!(
            "a context of {context} tokens is too small for claude, whose own prompt takes about \
             16000; set context = \"32k\" or more in models.toml"
        )
    })
}

#[cfg(test)]
#[path = "arguments_test.rs"]
mod tests;
