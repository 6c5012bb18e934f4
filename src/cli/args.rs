//! The command line's shape.

use std::{ffi::OsString, path::PathBuf, time::Duration};

use clap::{
    Args, Parser, Subcommand,
    builder::{OsStringValueParser, TypedValueParser},
};
use clap_complete::Shell;

use super::help;
use crate::{
    accel::Choice,
    policy::{
        Request,
        agents::Agents,
        env::{EnvArg, variable},
        guest_path::{self, ShareArg},
        name, publish,
        settings::Flags,
        units,
    },
    spec::{Output, Publish},
};

/// Runs a command in a throwaway microVM that shares one folder and nothing else.
#[derive(Debug, Parser)]
#[command(
    name = "qvm",
    version,
    override_usage = help::USAGE,
    after_help = help::AFTER,
    after_long_help = help::AFTER_LONG,
    args_conflicts_with_subcommands = true,
    // Of an option given twice the last counts, so that an alias can be overridden.
    args_override_self = true,
    disable_help_subcommand = true,
)]
pub struct Cli {
    /// A sub-command, if the first word is one.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Without one: what `run` takes.
    #[command(flatten)]
    pub run: RunArgs,
}

/// Sub-commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a command in a new machine (what qvm does without a sub-command)
    #[command(args_override_self = true)]
    Run(Box<RunArgs>),
    /// Tell what this machine can do, what qvm will use, and how to get better
    Doctor(Json),
    /// Build, list, check and remove guest images
    Image(ImageArgs),
    /// List the coding agents that machines can have
    Agents(Json),
    /// List the machines that run
    Ps(Json),
    /// Run a further command in a machine that runs
    Exec(ExecArgs),
    /// Print a completion script for a shell
    Completion(CompletionArgs),
}

/// Options of `run`.
#[derive(Debug, Default, Args)]
pub struct RunArgs {
    /// Share this directory, at the same path [default: the current one]
    #[arg(short, long, value_name = "DIR", visible_alias = "workspace")]
    pub dir: Option<PathBuf>,
    /// Share another directory (repeatable)
    #[arg(short = 'v', long = "volume", value_name = "SRC:DST[:ro]", value_parser = OsStringValueParser::new().try_map(|t| guest_path::share(&t)))]
    pub volume: Vec<ShareArg>,
    /// Set a variable, or pass the host's on (repeatable)
    #[arg(short, long, value_name = "NAME[=VAL]", value_parser = OsStringValueParser::new().try_map(|t| variable(&t)))]
    pub env: Vec<EnvArg>,
    /// Make a TCP port of the guest reachable here (repeatable)
    #[arg(short, long, value_name = "[IP:]HOST:GUEST", value_parser = publish::publish)]
    pub publish: Vec<Publish>,
    /// Start in this directory of the guest [default: DIR]
    #[arg(short, long, value_name = "PATH")]
    pub workdir: Option<PathBuf>,
    /// Memory: a number of MiB, or with k, m, g, t [default: 4g, at most half of the host's]
    #[arg(short, long, value_name = "SIZE", value_parser = units::memory)]
    pub memory: Option<u64>,
    /// Virtual CPUs, 1 to 32 [default: the host's, at most 4]
    #[arg(short, long, value_name = "N", visible_alias = "cores", value_parser = units::cpus)]
    pub cpus: Option<u8>,
    /// Name the machine, for `ps`, `exec` and as its host name
    #[arg(long, value_name = "NAME", value_parser = name::check)]
    pub name: Option<String>,
    /// End the command after this long: 90, 10s, 5m, 1h30m
    #[arg(long, value_name = "TIME", value_parser = units::duration)]
    pub timeout: Option<Duration>,
    /// What runs the virtual CPUs [default: auto]
    #[arg(long, value_name = "KIND")]
    pub accel: Option<Choice>,
    /// Guest image: a name, or the start of a digest
    #[arg(long, value_name = "IMAGE")]
    pub image: Option<String>,
    /// Coding agents to have in the guest: names with commas, or none [default: claude]
    #[arg(long, value_name = "AGENTS")]
    pub with: Option<Agents>,
    /// Let the guest read the workspace but change nothing in it
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    pub read_only_workspace: Option<bool>,
    /// Run the command as root of the guest
    #[arg(long)]
    pub guest_root: bool,
    /// Show the guest's console
    #[arg(long)]
    pub show_boot: bool,
    /// Say nothing but errors
    #[arg(short, long)]
    pub quiet: bool,
    /// Report the run as one JSON object on standard error
    #[arg(long)]
    pub json: bool,
    /// Report how long each phase took
    #[arg(long)]
    pub timing: bool,
    /// Print what would be shared, opened and started, and stop
    #[arg(long)]
    pub dry_run: bool,
    /// Load KVM in the guest
    #[arg(long, hide = true)]
    pub nested: bool,
    /// Count instructions instead of time, for measurements (TCG)
    #[arg(long, hide = true, value_name = "SHIFT", value_parser = clap::value_parser!(u8).range(0..=10))]
    pub icount: Option<u8>,
    /// Every machine is: taken for people who say so
    #[arg(long, hide = true)]
    pub ephemeral: bool,
    /// Program and arguments, passed byte for byte [default: a login shell]
    #[arg(value_name = "CMD", trailing_var_arg = true)]
    pub command: Vec<OsString>,
}

impl RunArgs {
    /// As policy takes it.
    pub fn into_request(self) -> Request {
        Request {
            dir: self.dir,
            shares: self.volume,
            env: self.env,
            publish: self.publish,
            workdir: self.workdir,
            name: self.name,
            flags: Flags {
                memory: self.memory,
                cpus: self.cpus,
                accel: self.accel,
                image: self.image,
                with: self.with,
                timeout: self.timeout,
                read_only_workspace: self.read_only_workspace,
            },
            guest_root: self.guest_root,
            nested: self.nested,
            icount: self.icount,
            output: Output {
                quiet: self.quiet,
                show_boot: self.show_boot,
                json: self.json,
                timing: self.timing,
            },
            argv: self.command,
        }
    }
}

/// `exec NAME -- CMD`.
#[derive(Debug, Args)]
pub struct ExecArgs {
    /// Set a variable, or pass the host's on (repeatable)
    #[arg(short, long, value_name = "NAME[=VAL]", value_parser = OsStringValueParser::new().try_map(|t| variable(&t)))]
    pub env: Vec<EnvArg>,
    /// Start in this directory of the guest [default: the workspace]
    #[arg(short, long, value_name = "PATH")]
    pub workdir: Option<PathBuf>,
    /// Run the command as root of the guest
    #[arg(long)]
    pub guest_root: bool,
    /// Which machine; `qvm ps` lists them
    #[arg(value_parser = name::check)]
    pub name: String,
    /// Program and arguments, passed byte for byte [default: a login shell]
    #[arg(value_name = "CMD", trailing_var_arg = true)]
    pub command: Vec<OsString>,
}

/// A report for programs.
#[derive(Debug, Args)]
pub struct Json {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `image …`.
#[derive(Debug, Args)]
pub struct ImageArgs {
    /// What to do.
    #[command(subcommand)]
    pub action: ImageAction,
}

/// What to do with images.
#[derive(Debug, Subcommand)]
pub enum ImageAction {
    /// Make the default image and a layer of agents, unless they are there
    Build {
        /// Coding agents: names with commas, or none [default: claude]
        #[arg(long, value_name = "AGENTS")]
        with: Option<Agents>,
        /// Make it again even if it is there
        #[arg(long)]
        force: bool,
        /// Say nothing but errors
        #[arg(short, long)]
        quiet: bool,
    },
    /// List images and layers
    Ls(Json),
    /// Remove images and layers
    Rm {
        /// A name, or the start of a digest
        #[arg(required = true, value_name = "IMAGE")]
        images: Vec<String>,
    },
    /// Remove all images and layers but the default ones, and what broken builds left
    Prune,
    /// Print the directory of an image; the cache if none is named
    Path {
        /// A name, or the start of a digest
        #[arg(value_name = "IMAGE")]
        image: Option<String>,
    },
    /// Write the initial RAM file system of a run to standard output
    #[command(hide = true)]
    Initrd {
        /// A name, or the start of a digest
        #[arg(default_value = "default", value_name = "IMAGE")]
        image: String,
    },
    /// Print the kernel command line of a run
    #[command(hide = true)]
    KernelLine {
        /// `kvm` or `tcg`
        #[arg(long)]
        accel: crate::spec::Accel,
    },
    /// Read every byte of an image and compare it with its manifest
    Verify {
        /// A name, or the start of a digest
        #[arg(default_value = "default", value_name = "IMAGE")]
        image: String,
    },
}

/// `completion SHELL`.
#[derive(Debug, Args)]
pub struct CompletionArgs {
    /// Which shell
    pub shell: Shell,
}
