//! Running `qvm` as somebody else, or where something is in its way.

use std::{fs, os::unix::fs::PermissionsExt, os::unix::fs::chown, path::Path, process::Command};

/// A number that no user database has.
pub const NOBODYS: u32 = 54321;

/// What runs a command as an ordinary user with this number and no group but its own. Tests
/// that are run by an ordinary user run it as that one.
pub fn ordinary(uid: u32, command: &Command) -> Command {
    let mut wrapped = Command::new("setpriv");
    if rustix::process::geteuid().is_root() {
        wrapped.arg(format!("--reuid={uid}")).arg(format!("--regid={uid}"));
        wrapped.args(["--clear-groups", "--inh-caps=-all"]);
    }
    finish(wrapped.arg("--no-new-privs"), command);
    wrapped
}

/// The number of the user that [`ordinary`] makes of `uid`.
pub fn ordinary_uid(uid: u32) -> u32 {
    let own = rustix::process::geteuid();
    if own.is_root() { uid } else { own.as_raw() }
}

/// Gives a directory to that user, and lets everybody pass through its parent.
pub fn give(dir: &Path, uid: u32) {
    let _ = fs::create_dir(dir);
    if rustix::process::geteuid().is_root() {
        chown(dir, Some(uid), Some(uid)).unwrap();
        fs::set_permissions(dir.parent().unwrap(), fs::Permissions::from_mode(0o755)).unwrap();
    }
}

/// What runs a command in a mount namespace of its own, after the shell command `mount`, and
/// without any capability: so that a file with no rights is closed to it, whoever runs the test.
pub fn behind_mounts(mount: &str, command: &Command) -> Command {
    let mut wrapped = Command::new("unshare");
    wrapped.arg(if rustix::process::geteuid().is_root() { "-m" } else { "-Urm" });
    wrapped.args(["sh", "-c"]).arg(format!("{mount} && exec \"$@\"")).arg("sh").arg("setpriv");
    wrapped.args(["--securebits=+noroot", "--bounding-set=-all", "--inh-caps=-all"]);
    finish(&mut wrapped, command);
    wrapped
}

/// Has `wrapped` run `command`, in its environment.
pub(crate) fn finish(wrapped: &mut Command, command: &Command) {
    wrapped.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => wrapped.env(name, value),
            None => wrapped.env_remove(name),
        };
    }
}
