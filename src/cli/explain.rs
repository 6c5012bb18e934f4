//! `--dry-run`: the whole decision, for people or as JSON. Nothing is started.

mod model;
mod processes;

use std::{fmt::Write as _, path::Path};

use confine::Support;
use guest_image::{Cache, Recipe};
use serde::Serialize;

use super::{base, kernel};
use crate::{
    error::{Error, plain},
    policy::{Plan, units::show_bytes},
    session,
    spec::{Accel, Spec},
};

/// Prints it.
pub fn main(plan: &Plan) -> Result<u8, Error> {
    let described = Described::new(plan, image(&plan.spec)?, &confine::probe());
    let text = if plan.spec.output.json { super::json(&described) } else { described.text() };
    super::print(&text).map(|()| 0)
}

/// The decision in words. Values of variables are left out, as they may be secrets.
#[derive(Debug, Serialize)]
struct Described {
    name: String,
    command: Vec<String>,
    workdir: String,
    user: String,
    shares: Vec<Shared>,
    environment: Vec<String>,
    network: &'static str,
    vsock: Vec<Vsock>,
    published: Vec<Published>,
    memory: u64,
    cpus: u8,
    timeout_seconds: Option<f64>,
    accel: Accel,
    accel_reason: String,
    notes: Vec<String>,
    image: Image,
    /// The flake of the development shell.
    flake: Option<String>,
    agents: Vec<String>,
    model: Option<model::Model>,
    processes: Vec<processes::Process>,
}

#[derive(Debug, Serialize)]
struct Shared {
    host: String,
    guest: String,
    read_only: bool,
}

#[derive(Debug, Serialize)]
struct Vsock {
    port: u32,
    leads_to: &'static str,
}

#[derive(Debug, Serialize)]
struct Published {
    host: String,
    guest_port: u16,
}

#[derive(Debug, Serialize)]
struct Image {
    /// `None`: not known before Nix has looked at the flake.
    digest: Option<String>,
    built: bool,
    /// The flake that makes it.
    flake: Option<String>,
    /// The kernel that boots, by version or path; `None`: its own.
    kernel: Option<String>,
}

/// Which image would be used.
fn image(spec: &Spec) -> Result<Image, Error> {
    let cache = Cache::open()?;
    let kernel = kernel::told(&cache, spec.arch, spec.kernel.as_deref(), spec.nested)?;
    if let Some(flake) = &spec.image_flake {
        // Nothing is evaluated to tell: what became of it the last time is all that is known.
        let last = cache.made_from(flake)?;
        let digest = last.as_ref().map(|image| image.digest.to_string());
        return Ok(Image { digest, built: last.is_some(), flake: Some(flake.to_string()), kernel });
    }
    let (digest, built) = match spec.image.as_deref() {
        None | Some("default") => {
            let recipe = Recipe::debian(spec.arch, None);
            (recipe.digest(), cache.find(&recipe)?.is_some())
        }
        Some(name) => (base::cached(&cache, name)?.digest, true),
    };
    Ok(Image { digest: Some(digest.to_string()), built, flake: None, kernel })
}

impl Image {
    /// For people.
    fn text(&self) -> String {
        match (&self.flake, &self.digest) {
            (Some(flake), Some(digest)) => {
                format!("{digest} by {flake}, unless that has changed since")
            }
            (Some(flake), None) => format!("built by Nix from {flake}, which was not done yet"),
            (None, digest) => {
                let note = " (not built yet; `qvm image build` makes it)";
                let note = if self.built { "" } else { note };
                format!("{}{note}", digest.as_deref().unwrap_or_default())
            }
        }
    }
}

impl Described {
    fn new(plan: &Plan, image: Image, support: &Support) -> Self {
        let spec = &plan.spec;
        let path = |path: &Path| path.display().to_string();
        Self {
            name: spec.name.clone(),
            command: spec.argv.iter().map(|word| word.to_string_lossy().into_owned()).collect(),
            workdir: path(&spec.workdir),
            user: if spec.guest_root { "root".into() } else { spec.caller.name.clone() },
            shares: spec
                .shares
                .iter()
                .map(|s| Shared {
                    host: path(&s.host),
                    guest: path(&s.guest),
                    read_only: s.read_only,
                })
                .collect(),
            environment: spec
                .env
                .iter()
                .map(|(name, _)| name.to_string_lossy().into_owned())
                .collect(),
            network: "none",
            vsock: session::vsock_ports(spec)
                .into_iter()
                .map(|(port, leads_to)| Vsock { port, leads_to })
                .collect(),
            published: spec
                .publish
                .iter()
                .map(|p| Published {
                    host: std::net::SocketAddr::from((p.ip, p.host_port)).to_string(),
                    guest_port: p.guest_port,
                })
                .collect(),
            memory: spec.memory,
            cpus: spec.cpus,
            timeout_seconds: spec.timeout.map(|t| t.as_secs_f64()),
            accel: spec.accel,
            accel_reason: spec.accel_reason.clone(),
            notes: plan.notes.clone(),
            image,
            flake: spec.flake.as_ref().map(ToString::to_string),
            agents: spec.agents.names.clone(),
            model: model::of(spec),
            processes: processes::all(spec, support),
        }
    }

    /// For people.
    fn text(&self) -> String {
        let mut text = String::new();
        let mut line = |label: &str, value: String| {
            let _ = writeln!(text, "{label:<12} {}", plain(&value));
        };
        line(
            "machine",
            format!(
                "{}: {} of memory, {} virtual CPUs",
                self.name,
                show_bytes(self.memory),
                self.cpus
            ),
        );
        line("engine", format!("{}: {}", self.accel.name(), self.accel_reason));
        line("image", self.image.text());
        line("kernel", self.image.kernel.clone().unwrap_or_else(|| "the image's own".into()));
        if let Some(flake) = &self.flake {
            line("flake", format!("{flake}, whose development shell Nix computes on this host"));
        }
        if !self.agents.is_empty() {
            line("agents", self.agents.join(" "));
        }
        let command = if self.command.is_empty() {
            "a login shell".into()
        } else {
            format!("{:?}", self.command)
        };
        line("command", format!("{command} as {} in {}", self.user, self.workdir));
        if let Some(seconds) = self.timeout_seconds {
            line("timeout", format!("{seconds} s"));
        }
        for share in &self.shares {
            let kind = if share.read_only { "read-only" } else { "read and write" };
            let place = if share.host == share.guest {
                String::new()
            } else {
                format!(" at {}", share.guest)
            };
            line("share", format!("{}{place}, {kind}", share.host));
        }
        let names =
            if self.environment.is_empty() { "nothing".into() } else { self.environment.join(" ") };
        line("environment", names);
        line("network", self.network.into());
        match &self.model {
            Some(model) => model.lines().into_iter().for_each(|(label, value)| line(label, value)),
            None => line("model", "none".into()),
        }
        for vsock in &self.vsock {
            line("vsock", format!("port {} of the host leads to {}", vsock.port, vsock.leads_to));
        }
        for port in &self.published {
            line(
                "publish",
                format!("{} leads to port {} of the guest", port.host, port.guest_port),
            );
        }
        for process in &self.processes {
            line("process", format!("{} {}; sees {}", process.name, process.does, process.sees));
        }
        // All that are confined are so by the same.
        if let Some(process) = self.processes.iter().find(|process| !process.layers.is_empty()) {
            line(
                "confined by",
                format!(
                    "{}; no way to gain privileges, nothing of the environment",
                    process.layers.join(", ")
                ),
            );
        }
        for note in &self.notes {
            line("note", note.clone());
        }
        text
    }
}

#[cfg(test)]
#[path = "explain_test.rs"]
mod tests;
