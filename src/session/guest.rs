//! What the agent is told: the machine's configuration, and the command.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

use agent_protocol::{Bytes, CommandSpec, GuestConfig, Share, TerminalSize, User, VERSION};

use super::clock;
use crate::spec::Spec;

/// The guest's configuration for this run.
pub fn config(spec: &Spec) -> GuestConfig {
    let caller = &spec.caller;
    let modules: &[&str] = if spec.nested { &["kvm-amd", "kvm-intel"] } else { &[] };
    GuestConfig {
        version: VERSION,
        hostname: spec.name.clone(),
        user: User {
            name: caller.name.clone(),
            uid: caller.uid,
            gid: caller.gid,
            group: caller.group.clone(),
            home: bytes(&caller.home),
        },
        shares: spec
            .shares
            .iter()
            .map(|share| Share {
                tag: share.tag.clone(),
                path: bytes(&share.guest),
                read_only: share.read_only,
            })
            .collect(),
        unix_nanos: clock::unix_nanos(),
        forwards: Vec::new(),
        modules: modules.iter().map(ToString::to_string).collect(),
        files: Vec::new(),
    }
}

/// The session's own command.
pub fn command(spec: &Spec, terminal: Option<TerminalSize>) -> CommandSpec {
    CommandSpec {
        argv: spec.argv.iter().map(bytes).collect(),
        env: spec.env.iter().map(|(name, value)| (bytes(name), bytes(value))).collect(),
        cwd: bytes(&spec.workdir),
        terminal,
        as_root: spec.guest_root,
        main: true,
    }
}

/// The bytes of an argument or a path.
pub fn bytes(text: impl AsRef<OsStr>) -> Bytes {
    text.as_ref().as_bytes().to_vec()
}
