//! What the agent is told: the machine's configuration, and the command.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStrExt,
};

use agent_protocol::{Bytes, CommandSpec, GuestConfig, Share, TerminalSize, User, VERSION};
use guest_image::Arch;

use super::{
    clock,
    model::{self, GuestModel},
};
use crate::spec::Spec;

/// The guest's configuration for this run.
pub fn config(spec: &Spec, model: Option<&GuestModel>) -> GuestConfig {
    let caller = &spec.caller;
    let modules: &[&str] = match spec.arch {
        Arch::X86_64 if spec.nested => &["kvm-amd", "kvm-intel"],
        // KVM is no module on arm64.
        Arch::X86_64 | Arch::Aarch64 => &[],
    };
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
        forwards: model.map(|_| model::forwards()).unwrap_or_default(),
        modules: modules.iter().map(ToString::to_string).collect(),
        files: model.map(|model| model.files.clone()).unwrap_or_default(),
    }
}

/// The session's own command.
pub fn command(
    spec: &Spec,
    model: Option<&GuestModel>,
    terminal: Option<TerminalSize>,
) -> CommandSpec {
    CommandSpec {
        argv: spec.argv.iter().map(bytes).collect(),
        env: with_model(model, with_shell(spec, pairs(&spec.env))),
        cwd: bytes(&spec.workdir),
        terminal,
        as_root: spec.guest_root,
        main: true,
    }
}

/// The variables of a command: those that lead agents to the model, then the command's own, which
/// win.
pub fn with_model(model: Option<&GuestModel>, own: Vec<(Bytes, Bytes)>) -> Vec<(Bytes, Bytes)> {
    below(model.map(|model| model.env.clone()).unwrap_or_default(), own)
}

/// The variables of a command: those of the development shell, then the command's own, which win.
pub fn with_shell(spec: &Spec, own: Vec<(Bytes, Bytes)>) -> Vec<(Bytes, Bytes)> {
    below(pairs(&spec.shell), own)
}

fn below(weaker: Vec<(Bytes, Bytes)>, own: Vec<(Bytes, Bytes)>) -> Vec<(Bytes, Bytes)> {
    let others = weaker.into_iter().filter(|(name, _)| !own.iter().any(|(other, _)| other == name));
    others.chain(own.iter().cloned()).collect()
}

fn pairs(variables: &[(OsString, OsString)]) -> Vec<(Bytes, Bytes)> {
    variables.iter().map(|(name, value)| (bytes(name), bytes(value))).collect()
}

/// The bytes of an argument or a path.
pub fn bytes(text: impl AsRef<OsStr>) -> Bytes {
    text.as_ref().as_bytes().to_vec()
}
