//! Reading the command line, and saying in one line what is wrong with it.

use std::ffi::{OsStr, OsString};

use clap::{
    CommandFactory, Parser,
    error::{ContextKind, ContextValue, ErrorKind},
};

use super::args::{Cli, Command};
use crate::error::Error;

/// What the command line asks for.
#[derive(Debug)]
pub enum Parsed {
    /// To do something.
    Run(Box<Cli>),
    /// To read this (`--help`, `--version`).
    Print(String),
}

/// Reads it. The first word is the program's name.
///
/// # Errors
/// [`Error::Usage`].
pub fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Parsed, Error> {
    let words: Vec<OsString> = words.into_iter().collect();
    let cli = match Cli::try_parse_from(&words) {
        Ok(cli) => cli,
        Err(error)
            if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) =>
        {
            return Ok(Parsed::Print(error.render().to_string()));
        }
        Err(error) => return Err(Error::Usage(explain(&error))),
    };
    match &cli.command {
        None => check_command(&cli.run.command, &words, true)?,
        Some(Command::Run(args)) => check_command(&args.command, &words, true)?,
        Some(Command::Exec(args)) => check_command(&args.command, &words, false)?,
        Some(_) => {}
    }
    Ok(Parsed::Run(Box::new(cli)))
}

/// Catches two mistakes that would otherwise become a strange command of the guest.
fn check_command(command: &[OsString], words: &[OsString], run: bool) -> Result<(), Error> {
    let Some(first) = command.first() else {
        return Ok(());
    };
    let text = first.to_string_lossy();
    if text.starts_with('-') {
        let hint =
            known_elsewhere(text.trim_start_matches('-')).unwrap_or("options of qvm go before --");
        return Err(Error::Usage(format!(
            "`{text}` stands after --, where the command begins: {hint}; to run a program of that name write `./{text}` or its path"
        )));
    }
    // The command is the end of the line, so the word before it tells whether -- was written.
    let before = words.len().checked_sub(command.len() + 1).and_then(|at| words.get(at));
    let plain = run && before.is_some_and(|word| word != OsStr::new("--"));
    let sub_command = Cli::command().get_subcommands().any(|sub| sub.get_name() == text);
    if plain && sub_command {
        return Err(Error::Usage(format!(
            "`{text}` is a sub-command and goes first: `qvm {text} …`; to run a program of that name in the guest write `-- {text}`"
        )));
    }
    Ok(())
}

/// What clap says, on one line: the message, its tips, and where to read more.
fn explain(error: &clap::Error) -> String {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let argument = context(ContextKind::InvalidArg).unwrap_or_default();
    if error.kind() == ErrorKind::UnknownArgument {
        let name = argument.trim_start_matches('-').split('=').next().unwrap_or_default();
        if let Some(hint) = known_elsewhere(name) {
            return format!("there is no option `{argument}`: {hint}");
        }
    }
    if error.kind() == ErrorKind::InvalidValue
        && argument.starts_with("--dir")
        && context(ContextKind::InvalidValue).is_none_or(str::is_empty)
    {
        return "`-d` needs the directory to share, as in `qvm -d . -- CMD` (in qvm -d does not mean detach)".into();
    }
    let rendered = error.render().to_string();
    // Its words, without what may follow them.
    let usage = rendered.lines().find_map(|line| line.strip_prefix("Usage: "));
    let command = usage.and_then(|usage| usage.split(['<', '[']).next()).unwrap_or("qvm").trim();
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return format!("a sub-command is missing; see `{command} --help`");
    }
    let lines = rendered.lines().map(str::trim).take_while(|line| !line.starts_with("Usage:"));
    // clap's advice to pass an unknown option as the command is never what was meant.
    let idle = |line: &&str| {
        !line.is_empty()
            && !line.starts_with("For more information")
            && !line.starts_with("tip: to pass")
    };
    let kept: Vec<_> = lines.filter(idle).collect();
    let text = kept.join("; ").replace(":; ", ": ");
    format!("{}; see `{command} --help`", text.strip_prefix("error: ").unwrap_or(&text))
}

/// Options that people know from other tools, and what qvm has instead.
fn known_elsewhere(name: &str) -> Option<&'static str> {
    Some(match name {
        "ephemeral" | "rm" => "every machine of qvm is ephemeral, so leave it out",
        "clean" => "nothing outlives a machine; `qvm image prune` removes old images",
        "disk-size" | "disk" => "the guest's disk is kept in its memory; give it more with -m",
        "verbose" => "use --show-boot for the guest's console, or --timing",
        "it" | "i" | "t" | "ti" | "tty" | "interactive" | "no-tty" => {
            "the command gets a terminal exactly when standard input and output are one, so leave it out"
        }
        "detach" | "D" => {
            "a machine lives as long as its command; let your shell put qvm in the background with &"
        }
        "net" | "network" | "allow-net" | "allow-host" | "no-net" | "no-network" | "net-host" => {
            "machines have no network"
        }
        "mount" | "share" | "add-dirs" => "use -v SRC:DST[:ro]",
        "mem" | "ram" | "mem-mib" => "use -m/--memory",
        "ro" | "read-only" | "readonly" => "use --read-only-workspace, or :ro with -v",
        "cwd" | "chdir" => {
            "use -w/--workdir for the directory in the guest, -d/--dir for the one to share"
        }
        "privileged" | "root" | "user" | "u" => {
            "use --guest-root to be root in the guest; otherwise you are yourself"
        }
        "i-know" | "force" => {
            "what qvm refuses to share is refused always; share a project directory"
        }
        "llm" | "ollama" | "llama" | "no-llm" => {
            "use --model for a model that qvm serves, --upstream for a server that runs, --no-model for none"
        }
        "base-url" | "api-base" | "endpoint" | "openai-base-url" | "model-url" => {
            "use --upstream for a model server that runs on this machine; no other is asked"
        }
        "api-key" | "token" => "the guest's model needs no key",
        "llama-server" | "server" | "llama-bin" => {
            "use --server-bin for the program that serves models"
        }
        "gpu" | "gpus" | "ngl" | "n-gpu-layers" | "gpu-layers" => {
            "machines have no GPU, their model server has: `qvm serve --gpu`, or `gpu` and `gpu_layers` in models.toml"
        }
        "context" | "ctx" | "ctx-size" | "context-size" | "num-ctx" | "n-ctx" => {
            "use `qvm serve --context`, or `context` in models.toml"
        }
        "port" | "host" | "listen" | "bind" => {
            "a model server listens on no port, and -p/--publish of a run makes a port of the guest reachable"
        }
        "platform" | "architecture" => {
            "use --arch for another machine than this, which is emulated"
        }
        "agent" | "agents" => {
            "use --with for the agents to have, and name the one to run as the command"
        }
        _ => return None,
    })
}

#[cfg(test)]
#[path = "parse_test.rs"]
mod tests;
