//! The command line's shape.

use std::{ffi::OsString, path::PathBuf, time::Duration};

use clap::{
    Args, Parser, Subcommand,
    builder::{OsStringValueParser, TypedValueParser},
};
use clap_complete::Shell;
use guest_image::{Arch, Digest, nix::Flake};

use super::help;
use crate::{
    accel::Choice,
    policy::{
        Request,
        agents::Agents,
        env::{EnvArg, variable},
        guest_path::{self, ShareArg},
        model::{self, ModelFlags},
        name, publish,
        settings::Flags,
        units,
    },
    serve::Upstream,
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
    Doctor(DoctorArgs),
    /// Serve a language model to machines, in a sandbox
    #[command(args_override_self = true)]
    Serve(Box<ServeArgs>),
    /// List, add, remove, fetch and switch models
    Models(ModelsArgs),
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
    /// Machine to be: x86_64 or aarch64; another than this one is emulated [default: this one]
    #[arg(long, value_name = "ARCH", value_parser = str::parse::<Arch>)]
    pub arch: Option<Arch>,
    /// Kernel: `microvm`, `image` for the image's own, the start of a digest, or a path [default: that of `qvm image kernel`, if it was made]
    #[arg(long, value_name = "KERNEL")]
    pub kernel: Option<String>,
    /// Guest image: nixos, flake:REF#PACKAGE, a name, or the start of a digest
    #[arg(long, value_name = "IMAGE")]
    pub image: Option<String>,
    /// Have a development shell of Nix in the guest, computed here: .#NAME, or github:OWNER/REPO#NAME
    #[arg(long, value_name = "FLAKE")]
    pub flake: Option<Flake>,
    /// Language model to offer: an id of models.toml, a file, or org/repo[:file.gguf] [default: that of a `qvm serve` that runs, else models.toml's]
    #[arg(long, value_name = "MODEL", conflicts_with_all = ["upstream", "no_model"])]
    pub model: Option<String>,
    /// Offer no model, though one is configured
    #[arg(long, conflicts_with = "upstream")]
    pub no_model: bool,
    /// Offer the model of another server that runs here: unix:/PATH or http://127.0.0.1:PORT
    #[arg(long, value_name = "URL")]
    pub upstream: Option<Upstream>,
    /// Program that serves the model [default: llama-server, where it is found]
    #[arg(long, value_name = "PATH")]
    pub server_bin: Option<PathBuf>,
    /// Write what the guest asks the model to this file, a JSON object a line
    #[arg(long, value_name = "FILE")]
    pub log_requests: Option<PathBuf>,
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
            arch: self.arch,
            flags: Flags {
                memory: self.memory,
                cpus: self.cpus,
                accel: self.accel,
                image: self.image,
                kernel: self.kernel,
                flake: self.flake,
                with: self.with,
                timeout: self.timeout,
                read_only_workspace: self.read_only_workspace,
            },
            model: ModelFlags {
                model: self.model,
                none: self.no_model,
                upstream: self.upstream,
                server_bin: self.server_bin,
                log_requests: self.log_requests,
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

/// `serve`.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// An id of models.toml, a file, or org/repo[:file.gguf] [default: models.toml's]
    #[arg(value_name = "MODEL")]
    pub model: Option<String>,
    /// Context in tokens: 8192, 32k [default: models.toml's, else the model's]
    #[arg(long, value_name = "N", value_parser = model::tokens)]
    pub context: Option<u32>,
    /// GPU to use: auto, none, nvidia, amd [default: models.toml's, else auto]
    #[arg(long, value_name = "KIND", value_parser = |text: &str| text.parse::<models::Gpu>())]
    pub gpu: Option<models::Gpu>,
    /// Program that serves [default: llama-server, where it is found]
    #[arg(long, value_name = "PATH")]
    pub server_bin: Option<PathBuf>,
    /// End when no machine has used it for this long: 0, 90s, 5m [default: never]
    #[arg(long, value_name = "TIME", value_parser = model::idle)]
    pub idle: Option<Duration>,
    /// Print what the server prints
    #[arg(short, long)]
    pub verbose: bool,
    /// End the server that runs, and its machines' access to the model
    #[arg(long, conflicts_with_all = ["model", "context", "gpu", "server_bin", "idle", "verbose", "extra"])]
    pub stop: bool,
    /// Started by a run.
    #[arg(long, hide = true)]
    pub on_demand: bool,
    /// Never run a program in this folder.
    #[arg(long, hide = true, value_name = "DIR")]
    pub not_in: Vec<PathBuf>,
    /// Further arguments of llama-server
    #[arg(last = true, value_name = "ARG")]
    pub extra: Vec<OsString>,
}

/// `models …`.
#[derive(Debug, Args)]
pub struct ModelsArgs {
    /// What to do.
    #[command(subcommand)]
    pub action: ModelsAction,
}

/// What to do with models.
#[derive(Debug, Subcommand)]
pub enum ModelsAction {
    /// List the models of models.toml, and which is loaded
    Ls(Json),
    /// Add a model to models.toml
    Add {
        /// Short name: letters, digits, `.`, `-` and `_`
        id: String,
        /// A file, or org/repo[:file.gguf]
        source: String,
        /// Context in tokens: 8192, 32k [default: the model's]
        #[arg(long, value_name = "N", value_parser = model::tokens)]
        context: Option<u32>,
        /// Use it where no other is asked for
        #[arg(long)]
        default: bool,
        /// Further arguments of llama-server, whenever it is loaded
        #[arg(last = true, value_name = "ARG")]
        args: Vec<String>,
    },
    /// Remove a model from models.toml; its files stay
    Rm {
        /// Its id
        id: String,
    },
    /// Use a model where no other is asked for
    Default {
        /// Its id
        id: String,
    },
    /// Load another model into the server that runs, for all its machines
    Switch {
        /// An id of models.toml, a file, or org/repo[:file.gguf]
        model: String,
    },
    /// Fetch a model's files
    Pull {
        /// An id of models.toml, or org/repo[:file.gguf]
        model: String,
    },
    /// Add the models of a models.conf file (INI)
    Import {
        /// The file
        file: PathBuf,
    },
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

/// `doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Print all that a bug report needs and nothing private: no values of variables, no names of yours
    #[arg(long)]
    pub report: bool,
    /// Load the default model and compute with it, which is done anyway where there is a GPU
    #[arg(long)]
    pub try_model: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
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
    /// Make the default image and a layer of agents, or a flake's image, unless they are there
    Build {
        /// nixos, or flake:REF#PACKAGE [default: the default image]
        #[arg(value_name = "IMAGE", conflicts_with = "with")]
        image: Option<String>,
        /// Coding agents: names with commas, or none [default: claude]
        #[arg(long, value_name = "AGENTS")]
        with: Option<Agents>,
        /// Machine that the default image is to be for: x86_64 or aarch64 [default: this one]
        #[arg(long, value_name = "ARCH", value_parser = str::parse::<Arch>, conflicts_with = "image")]
        arch: Option<Arch>,
        /// Another flavour of Debian's kernel, such as arm64-16k or amd64
        #[arg(long, hide = true, value_name = "FLAVOUR", value_parser = flavour, conflicts_with = "image")]
        kernel_flavour: Option<String>,
        /// Make it again even if it is there
        #[arg(long)]
        force: bool,
        /// Say nothing but errors
        #[arg(short, long)]
        quiet: bool,
    },
    /// Make the microVM kernel that images boot fastest with, unless it is there
    Kernel {
        /// Make it from this archive of Linux' source in place of Debian's
        #[arg(long, value_name = "FILE")]
        source: Option<PathBuf>,
        /// Make it again even if it is there
        #[arg(long)]
        force: bool,
        /// Say nothing but errors
        #[arg(short, long)]
        quiet: bool,
    },
    /// List images, layers and kernels
    Ls(Json),
    /// Write an image to one file, for other machines, and print the digest that pins it
    Export {
        /// A name, or the start of a digest
        #[arg(value_name = "IMAGE")]
        image: String,
        /// The file, a tar archive
        file: PathBuf,
    },
    /// Take an image that was exported
    Import {
        /// The archive: a file, or an address that begins with https:// or http://
        #[arg(value_name = "FILE|URL")]
        from: String,
        /// Digest of its manifest.json, which pins all of it
        #[arg(long, value_name = "sha256:HEX", value_parser = pin)]
        digest: Digest,
        /// Name it, for --image
        #[arg(long, value_name = "NAME", value_parser = image_name)]
        name: Option<String>,
        /// Machine that it is for: x86_64 or aarch64 [default: this one]
        #[arg(long, value_name = "ARCH", value_parser = str::parse::<Arch>)]
        arch: Option<Arch>,
        /// Say nothing but errors
        #[arg(short, long)]
        quiet: bool,
    },
    /// Remove images, layers and kernels
    Rm {
        /// A name, or the start of a digest
        #[arg(required = true, value_name = "IMAGE")]
        images: Vec<String>,
    },
    /// Remove all images, layers and kernels but the default and imported ones, and what broken builds left
    Prune,
    /// Print the directory of an image; the cache if none is named
    Path {
        /// Machine that `default` and `microvm` are for: x86_64 or aarch64 [default: this one]
        #[arg(long, value_name = "ARCH", value_parser = str::parse::<Arch>, requires = "image")]
        arch: Option<Arch>,
        /// Flavour of the kernel of `default`, as it was built
        #[arg(long, hide = true, value_name = "FLAVOUR", value_parser = flavour, requires = "image")]
        kernel_flavour: Option<String>,
        /// A name, or the start of a digest
        #[arg(value_name = "IMAGE")]
        image: Option<String>,
    },
    /// Write the initial RAM file system of a run to standard output
    #[command(hide = true)]
    Initrd {
        /// As for a run
        #[arg(long, value_name = "KERNEL")]
        kernel: Option<String>,
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

/// `sha256:HEX`, or the digits alone.
fn pin(text: &str) -> Result<Digest, String> {
    let digits = text.strip_prefix("sha256:").unwrap_or(text);
    digits.parse().map_err(|e: guest_image::DigestError| e.to_string())
}

/// The end of the name of one of Debian's kernel packages.
fn flavour(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.".contains(c);
    match text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(plain) {
        true => Ok(text.to_owned()),
        false => Err("a flavour is the end of a package's name, such as arm64-16k".into()),
    }
}

/// A name that is no other image's.
fn image_name(text: &str) -> Result<String, String> {
    if text == "default" || text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err("`default` and what could begin a digest are no names of images".into());
    }
    name::check(text).map_err(|e| e.to_string())
}
