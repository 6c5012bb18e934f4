//! The two people in the guest: the caller, and root.

use std::path::Path;

use agent_protocol::{Bytes, User};

/// Shell for everybody where the image has it.
const BASH: &str = "/bin/bash";

/// Shell of images without bash.
const SH: &str = "/bin/sh";

/// Somebody a command can run as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Login name.
    pub name: String,
    /// Numeric user id.
    pub uid: u32,
    /// Numeric primary group id.
    pub gid: u32,
    /// Home directory.
    pub home: Bytes,
    /// Login shell.
    pub shell: String,
}

impl Account {
    /// The caller.
    pub fn caller(user: &User, shell: &str) -> Self {
        let home = if user.home.first() == Some(&b'/') { user.home.clone() } else { b"/".to_vec() };
        Self { name: user.name.clone(), uid: user.uid, gid: user.gid, home, shell: shell.into() }
    }

    /// The superuser of the guest.
    pub fn root(shell: &str) -> Self {
        Self { name: "root".into(), uid: 0, gid: 0, home: b"/root".to_vec(), shell: shell.into() }
    }
}

/// The login shell that the image has.
pub fn shell() -> String {
    if Path::new(BASH).exists() { BASH.into() } else { SH.into() }
}
