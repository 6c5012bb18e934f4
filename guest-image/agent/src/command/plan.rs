//! From what the host asks for to what `execve` wants.

use std::ffi::CString;

use agent_protocol::{Bytes, CommandSpec, ImageConfig, SpawnFailure};

use crate::account::Account;
use crate::sys::fork::Launch;

/// Where programs are looked for, unless image or host say otherwise: Debian's own order.
const PATH: &[u8] = b"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What commands find in their environment unless the host says otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// `PATH`.
    pub path: Bytes,
    /// The image's own variables.
    pub variables: Vec<(Bytes, Bytes)>,
}

impl From<&ImageConfig> for Environment {
    fn from(config: &ImageConfig) -> Self {
        let bytes = |text: &String| text.clone().into_bytes();
        let path = config.path.as_ref().map_or_else(|| PATH.to_vec(), bytes);
        let variables =
            config.env.iter().map(|(name, value)| (bytes(name), bytes(value))).collect();
        Self { path, variables }
    }
}

/// Plans `spec` as run by `account`, with `base` under the host's variables.
///
/// # Errors
/// What to report to the host, with an errno: an argument that cannot be passed on, or a program
/// without a name.
pub fn launch(
    spec: &CommandSpec,
    account: &Account,
    base: &Environment,
) -> Result<Launch, (SpawnFailure, i32)> {
    let invalid = |_| (SpawnFailure::Other, libc::EINVAL);
    let environment = environment(&spec.env, account, base);
    let (candidates, argv) = match spec.argv.first() {
        Some(program) => (candidates(program, &environment), spec.argv.clone()),
        None => (vec![account.shell.clone().into_bytes()], vec![login_name(&account.shell)]),
    };
    if candidates.is_empty() {
        return Err((SpawnFailure::NotFound, libc::ENOENT));
    }
    if spec.env.iter().any(|(name, _)| name.is_empty() || name.contains(&b'=')) {
        return Err((SpawnFailure::Other, libc::EINVAL));
    }
    if spec.cwd.first() != Some(&b'/') {
        return Err((SpawnFailure::WorkingDirectory, libc::ENOENT));
    }
    let strings =
        |list: Vec<Bytes>| list.into_iter().map(CString::new).collect::<Result<Vec<_>, _>>();
    Ok(Launch {
        candidates: strings(candidates).map_err(invalid)?,
        argv: strings(argv).map_err(invalid)?,
        envp: strings(
            environment.into_iter().map(|(name, value)| [name, value].join(&b'=')).collect(),
        )
        .map_err(invalid)?,
        cwd: CString::new(spec.cwd.clone()).map_err(invalid)?,
        // Root stays what the agent is, so that tests can run as whoever they are.
        identity: (!spec.as_root).then_some((account.uid, account.gid)),
    })
}

/// The agent's own variables, then the image's and the given ones; a later value replaces an
/// earlier one.
fn environment(
    given: &[(Bytes, Bytes)],
    account: &Account,
    base: &Environment,
) -> Vec<(Bytes, Bytes)> {
    let name = account.name.as_bytes();
    let own: [(&[u8], &[u8]); 5] = [
        (b"PATH", &base.path),
        (b"HOME", &account.home),
        (b"USER", name),
        (b"LOGNAME", name),
        (b"SHELL", account.shell.as_bytes()),
    ];
    let mut all: Vec<(Bytes, Bytes)> =
        own.iter().map(|(name, value)| (name.to_vec(), value.to_vec())).collect();
    for (name, value) in base.variables.iter().chain(given) {
        match all.iter_mut().find(|(known, _)| known == name) {
            Some(entry) if name == b"PATH" => entry.1 = around(value, &base.path),
            Some(entry) => entry.1.clone_from(value),
            None => all.push((name.clone(), value.clone())),
        }
    }
    all
}

/// A `PATH` in which the element `$PATH` stands for the image's own, which the host does not know.
fn around(path: &[u8], own: &[u8]) -> Bytes {
    let parts = path.split(|&byte| byte == b':');
    parts.map(|part| if part == b"$PATH" { own } else { part }).collect::<Vec<_>>().join(&b':')
}

/// The paths that `program` may mean: itself where it has a slash, or else one for each directory
/// of `PATH`, of which an empty one means the working directory. None for an empty name.
fn candidates(program: &[u8], environment: &[(Bytes, Bytes)]) -> Vec<Bytes> {
    if program.is_empty() {
        return Vec::new();
    }
    if program.contains(&b'/') {
        return vec![program.to_vec()];
    }
    let path = environment.iter().find(|(name, _)| name == b"PATH");
    let path = path.map_or(PATH, |(_, value)| value);
    path.split(|&byte| byte == b':')
        .map(|directory| if directory.is_empty() { b".".as_slice() } else { directory })
        .map(|directory| [directory, program].join(&b'/'))
        .collect()
}

/// A shell whose own name begins with a dash reads the login files.
fn login_name(shell: &str) -> Bytes {
    let base = shell.rsplit('/').next().unwrap_or(shell);
    format!("-{base}").into_bytes()
}

#[cfg(test)]
#[path = "plan_test.rs"]
mod tests;
