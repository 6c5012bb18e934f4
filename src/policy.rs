//! From what was asked for to a [`Spec`]. Everything that decides what the guest can reach is
//! decided here, before anything starts; nothing in the guest can change it (A05).

pub mod agents;
pub mod config;
pub mod env;
pub mod flake;
pub mod guest_path;
pub mod host;
pub mod model;
pub mod name;
pub mod places;
pub mod project;
pub mod publish;
pub mod settings;
pub mod share;
pub mod sys;
pub mod units;

use std::{ffi::OsString, io, path::PathBuf};

use guest_image::Arch;

use crate::{
    accel::{self, Facts},
    serve,
    spec::{Accel, Output, Publish, Spec},
};
use config::Config;
use host::Host;
use settings::{Flags, Settings};

/// What the command line asked for, each value already well formed by itself.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// `-d`; `None` for the current directory.
    pub dir: Option<PathBuf>,
    /// `-v`, in order.
    pub shares: Vec<guest_path::ShareArg>,
    /// `-e`, in order.
    pub env: Vec<env::EnvArg>,
    /// `-p`, in order.
    pub publish: Vec<Publish>,
    /// `-w`, absolute or relative to the workspace.
    pub workdir: Option<PathBuf>,
    /// `--arch`.
    pub arch: Option<Arch>,
    /// `--name`.
    pub name: Option<String>,
    /// What files may give too.
    pub flags: Flags,
    /// Which model.
    pub model: model::ModelFlags,
    /// `--guest-root`.
    pub guest_root: bool,
    /// `--nested`.
    pub nested: bool,
    /// `--icount`.
    pub icount: Option<u8>,
    /// What to say.
    pub output: Output,
    /// The command.
    pub argv: Vec<OsString>,
}

/// Why there is no `Spec`.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// The current directory is gone.
    #[error(transparent)]
    Cwd(#[from] host::NoCwd),
    /// A directory is not shared.
    #[error(transparent)]
    Share(#[from] share::ShareError),
    /// A configuration file is wrong.
    #[error(transparent)]
    Config(#[from] config::ConfigError),
    /// A variable is missing.
    #[error(transparent)]
    Env(#[from] env::EnvError),
    /// The model cannot be used.
    #[error(transparent)]
    Model(#[from] model::ModelError),
    /// A port twice.
    #[error(transparent)]
    Publish(#[from] publish::PublishError),
    /// More memory than there is.
    #[error(transparent)]
    Memory(#[from] settings::TooMuchMemory),
    /// Nothing here can run a machine as asked.
    #[error(transparent)]
    Accel(#[from] accel::AccelError),
    /// Agents that cannot be had.
    #[error(transparent)]
    Agents(#[from] guest_image::ChoiceError),
    /// A flake that is none.
    #[error(transparent)]
    Flake(#[from] guest_image::nix::FlakeError),
    /// No random bytes for a name.
    #[error("cannot draw a name for the machine; give one with --name")]
    Name(#[source] io::Error),
}

/// A decision.
#[derive(Debug)]
pub struct Plan {
    /// What is to run.
    pub spec: Spec,
    /// What the user should know before it runs, a line each.
    pub notes: Vec<String>,
}

/// Decides, reading the project's file and looking at what this machine can do.
///
/// # Errors
/// [`PolicyError`], the first that is met.
pub fn build(
    request: Request,
    user: &Config,
    models: &models::Models,
    host: &Host,
) -> Result<Plan, PolicyError> {
    let asked_read_only = request.flags.read_only_workspace.unwrap_or(false);
    let mut workspace =
        share::workspace(request.dir.as_deref(), &host.cwd, &host.places, asked_read_only)?;
    let project = project::read(&workspace)?;
    let settings = settings::resolve(&request.flags, &project, user, host.limits)?;
    workspace.read_only = settings.read_only_workspace;
    let workdir = match request.workdir {
        Some(dir) => workspace.guest.join(dir),
        None => workspace.guest.clone(),
    };
    let shares = share::others(workspace, &request.shares, &host.cwd, &host.places)?;
    publish::distinct(&request.publish)?;
    let env_args = [user.env_args(&host.env)?, request.env].concat();
    let env = env::build(&host.env, &env_args)?;
    let shared: Vec<_> = shares.iter().map(|share| share.host.clone()).collect();
    let arch = request.arch.unwrap_or(Arch::HOST);
    let (accel, qemu) = engine(&settings, arch, &shared, host)?;
    if request.nested && accel.accel == Accel::Hvf {
        return Err(accel::AccelError::NoNesting.into());
    }
    let model = model::decide(&request.model, models, host, &shared, serve::by_hand)?;
    let image_flake = flake::of_image(
        settings.image.as_deref(),
        host.var(flake::VARIABLE).map(OsString::as_os_str),
        user.nixos_flake.as_ref(),
        &host.cwd,
    )?;
    let name = match request.name {
        Some(name) => name,
        None => name::generate().map_err(PolicyError::Name)?,
    };
    let spec = Spec {
        shares,
        argv: request.argv,
        env,
        workdir,
        publish: request.publish,
        memory: settings.memory,
        cpus: settings.cpus,
        name,
        timeout: settings.timeout,
        accel: accel.accel,
        accel_reason: accel.reason,
        qemu,
        caller: host.caller(),
        arch,
        image: settings.image,
        kernel: settings.kernel,
        image_flake,
        flake: settings.flake.map(|flake| flake.absolute(&host.cwd)),
        shell: Vec::new(),
        model,
        log_requests: request.model.log_requests.map(|path| host.cwd.join(path)),
        agents: settings.agents,
        guest_root: request.guest_root,
        nested: request.nested,
        icount: request.icount,
        output: request.output,
    };
    Ok(Plan { spec, notes: accel.warning.into_iter().collect() })
}

/// Looks at the machine and chooses. No program inside a share is ever started, as an earlier
/// guest may have put it there.
fn engine(
    settings: &Settings,
    arch: Arch,
    shared: &[PathBuf],
    host: &Host,
) -> Result<(accel::Decision, Option<PathBuf>), PolicyError> {
    let path = host.var("PATH").map(OsString::as_os_str);
    if arch != Arch::HOST {
        let qemu = accel::find_qemu(arch, path.unwrap_or_default(), shared);
        let decision = accel::decide_foreign(settings.accel, arch, &qemu)?;
        return Ok((decision, qemu.path()));
    }
    let facts = Facts::gather(settings.accel, path, shared);
    let decision = accel::decide(settings.accel, &facts)?;
    let qemu = if decision.accel == Accel::Tcg { facts.qemu.path() } else { None };
    Ok((decision, qemu))
}

#[cfg(test)]
#[path = "policy_test.rs"]
mod tests;
