//! The processes of a machine and what each is kept from, in words. The rules themselves are in
//! [`crate::process`] and crate `confine`.

use std::path::Path;

use confine::{State, Support};
use serde::Serialize;

use crate::{
    accel,
    spec::{Accel, Model, Spec},
};

/// A process of this host, and what it is kept from.
#[derive(Debug, Serialize)]
pub struct Process {
    /// Its name in process lists.
    pub name: String,
    /// What it does.
    pub does: String,
    /// What it can reach.
    pub sees: String,
    /// Whose rights it has.
    pub rights: &'static str,
    /// Layers of confinement that hold here, and those that this machine lacks; none for a process
    /// that is qvm itself.
    pub layers: Vec<String>,
}

/// The processes that would run.
pub fn all(spec: &Spec, support: &Support) -> Vec<Process> {
    let layers = layers(support);
    let process = |name: &str, does: String, sees: String, rights| Process {
        name: name.into(),
        does,
        sees,
        rights,
        layers: layers.clone(),
    };
    let nobody = "no capability, no file of its own";
    let caller = "the caller's, over files only";
    let nothing = || "an empty root; only the descriptors it was given".to_owned();
    let kind = |read_only| if read_only { "read-only" } else { "read and write" };
    if spec.accel == Accel::Hvf {
        let shares: Vec<_> = spec
            .shares
            .iter()
            .map(|share| format!("{}, {}", share.host.display(), kind(share.read_only)))
            .collect();
        let does = "runs the virtual CPUs on Hypervisor.framework, serves the shares, joins the guest's ports to the session";
        let sees = format!("{}; nothing can be executed", shares.join("; "));
        let mut all = serving(spec, &layers, nobody);
        all.push(process("qvm-vmm", does.into(), sees, caller));
        return all;
    }
    let mut all: Vec<_> = spec
        .shares
        .iter()
        .map(|share| {
            let path = share.host.display();
            let sees =
                format!("{path} as its root, {}; nothing can be executed", kind(share.read_only));
            process("qvm-fs", format!("serves {}", share.tag), sees, caller)
        })
        .collect();
    all.extend(serving(spec, &layers, nobody));
    all.push(process(
        "qvm-vsock",
        "joins the guest's ports to the session".into(),
        nothing(),
        nobody,
    ));
    all.push(match (spec.accel, &spec.qemu) {
        (Accel::Kvm | Accel::Hvf, _) => {
            process("qvm-vmm", "runs the virtual CPUs on KVM".into(), nothing(), nobody)
        }
        (Accel::Tcg, program) => {
            let program = program.as_deref().unwrap_or(Path::new(accel::qemu_program(spec.arch).0));
            let sees = format!("{} and its libraries, read-only", program.display());
            process("qvm-qemu", "emulates the virtual CPUs".into(), sees, nobody)
        }
    });
    all
}

/// Those of the model. Its server is shared with other machines of the user, and may run already.
fn serving(spec: &Spec, layers: &[String], rights: &'static str) -> Vec<Process> {
    let process = |name: &str, does: &str, sees: &str| Process {
        name: name.into(),
        does: does.into(),
        sees: sees.into(),
        rights,
        layers: layers.to_vec(),
    };
    let Some(model) = &spec.model else { return Vec::new() };
    let sees = match spec.log_requests {
        Some(_) => "an empty root; only the descriptors it was given, one of them the request log",
        None => "an empty root; only the descriptors it was given",
    };
    let mut all = vec![process("qvm-bridge", "filters what the guest asks the model", sees)];
    if !matches!(model, Model::Upstream(_)) {
        all.push(Process {
            rights: "the caller's",
            layers: Vec::new(),
            ..process(
                "qvm serve",
                "starts and ends the model server, for all machines of the user",
                "what qvm itself sees; it parses nothing of the guest's requests",
            )
        });
        let root = "the server's program and libraries, the model's files, and a GPU's devices if \
                    it uses one; it can write to memory only";
        all.push(process("qvm-model", "starts the server, and connects to it", root));
        all.push(process("llama-server", "computes the model", root));
    }
    all
}

/// Every layer once, with what this machine has of it.
fn layers(support: &Support) -> Vec<String> {
    if confine::seatbelt::support().is_some() {
        return vec!["seatbelt".into()];
    }
    let named = [
        ("user namespace", &support.user_namespace),
        ("namespaces", &support.namespaces),
        ("landlock", &support.landlock),
        ("seccomp", &support.seccomp),
    ];
    named.into_iter().map(|(name, state)| layer(name, state)).collect()
}

fn layer(name: &str, state: &State) -> String {
    match state {
        State::Active { .. } => name.into(),
        State::Partial { missing, .. } => format!("{name} (in part; missing: {missing})"),
        State::Missing { why } => format!("no {name} ({why})"),
    }
}
