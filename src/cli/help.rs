//! Texts of `--help`.

/// How it is called.
pub const USAGE: &str = "qvm [OPTIONS] [-d DIR] [--] [CMD]...\n       qvm COMMAND [OPTIONS]";

/// At the end of `-h`.
pub const AFTER: &str = "Try `qvm --help` for examples and exit statuses.";

/// At the end of `--help`.
pub const AFTER_LONG: &str = "\
Examples:
  qvm                                  a login shell; the current directory is shared
  qvm -d . -- cargo test               one command
  qvm -d ~/src/app -m 8g -c 8 -- make  a bigger machine for another directory
  qvm -p 8080:80 -- ./serve            http://127.0.0.1:8080 leads to port 80 of the guest
  qvm -e EDITOR -e CI=1 -- env         variables are passed only if asked for
  qvm -v ~/data:/mnt/data:ro -- ls /mnt/data
  qvm --dry-run -d . -- make           what would be shared and started
  qvm models add qwen ORG/REPO:FILE.gguf --context 64k --default
  qvm -d . -- claude --dangerously-skip-permissions
                                       Claude Code on that model, served on this host
  qvm --with codex,llm -- codex        other agents; `qvm agents` lists them
  qvm --image nixos                    a NixOS guest, built by the nix of this machine
  qvm --flake .#dev -- make            with the development shell of a flake

The machine sees DIR, at the same absolute path, what -v adds, and nothing else of this host.
It has no network. Of the environment it gets TERM, COLORTERM, LANG, LC_*, TZ, and -e.
Nothing outlives it except changes in shared directories; a model server that it started ends
some minutes after its last machine (`qvm serve --stop`: now).
A model, if one is configured, is at 127.0.0.1:8080 in the machine, and agents are set up for it.

Files:
  ~/.config/qvm/config.toml  defaults: memory, cpus, accel, image, nixos_flake, flake, with,
                             timeout, env, read_only_workspace
  ~/.config/qvm/models.toml  models; `qvm models` changes it
  ~/.config/qvm/agent-home/  copied into the home of machines that have a model
  DIR/.qvm.toml              bounds: memory, cpus, timeout, read_only_workspace; it can only tighten

Exit status:
  the command's own, or
  124    --timeout ended it
  125    qvm itself failed; the reason is on standard error
  126    the command cannot be executed
  127    the command was not found
  128+N  signal N ended it";
