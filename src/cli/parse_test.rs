#![allow(clippy::unwrap_used)]

use std::{os::unix::ffi::OsStringExt, path::Path, time::Duration};

use guest_image::Arch;

use super::*;
use crate::{
    accel::Choice,
    cli::args::{ImageAction, RunArgs},
};

fn words(line: &[&str]) -> Vec<OsString> {
    std::iter::once("qvm").chain(line.iter().copied()).map(OsString::from).collect()
}

fn cli(line: &[&str]) -> Box<Cli> {
    match parse(words(line)) {
        Ok(Parsed::Run(cli)) => cli,
        other => panic!("{line:?}: {other:?}"),
    }
}

/// The arguments of a run, with or without the word `run`.
fn run(line: &[&str]) -> RunArgs {
    let cli = cli(line);
    match cli.command {
        None => cli.run,
        Some(Command::Run(args)) => *args,
        other => panic!("{line:?}: {other:?}"),
    }
}

fn fails(line: &[&str]) -> String {
    match parse(words(line)) {
        Err(Error::Usage(text)) => text,
        other => panic!("{line:?}: {other:?}"),
    }
}

#[test]
fn the_command_is_what_follows_the_options() {
    let table: [(&[&str], &[&str]); 15] = [
        (&[], &[]),
        (&["--"], &[]),
        (&["ls"], &["ls"]),
        (&["ls", "-la"], &["ls", "-la"]),
        (&["--", "ls", "-la"], &["ls", "-la"]),
        (&["run", "ls", "-la"], &["ls", "-la"]),
        (&["run", "--", "ls"], &["ls"]),
        (&["-d", ".", "--", "ls"], &["ls"]),
        (&["-d.", "ls", "-d", "x"], &["ls", "-d", "x"]),
        (&["sh", "-c", "echo --help", "--help"], &["sh", "-c", "echo --help", "--help"]),
        (&["git", "--", "x", "--"], &["git", "--", "x", "--"]),
        (&["--", "a", "--", "b"], &["a", "--", "b"]),
        (&["--", "doctor"], &["doctor"]),
        (&["run", "doctor"], &["doctor"]),
        (&["--", "", "a b", "*"], &["", "a b", "*"]),
    ];
    for (line, command) in table {
        // `run doctor` is caught like `-d . doctor`: both could mean the sub-command.
        if line == ["run", "doctor"] {
            assert!(fails(line).contains("goes first"));
            continue;
        }
        assert_eq!(run(line).command, command, "{line:?}");
    }
}

#[test]
fn words_are_bytes() {
    let odd = OsString::from_vec(b"\xff\xfe\n=".to_vec());
    let mut line = words(&["-d", ".", "--"]);
    line.push("printf".into());
    line.push(odd.clone());
    match parse(line) {
        Ok(Parsed::Run(cli)) => assert_eq!(cli.run.command[1], odd),
        other => panic!("{other:?}"),
    }
}

#[test]
fn options_reach_the_request() {
    let line = [
        "-d",
        "/p",
        "-v",
        "/a:/mnt/a:ro",
        "-v",
        "b:/mnt/b",
        "-e",
        "A=1",
        "-e",
        "B",
        "-p",
        "8080:80",
        "-w",
        "sub",
        "-m",
        "2g",
        "-c",
        "3",
        "--name",
        "box",
        "--timeout",
        "1h30m",
        "--accel",
        "tcg",
        "--image",
        "abc",
        "--read-only-workspace",
        "--guest-root",
        "--show-boot",
        "-q",
        "--json",
        "--timing",
        "--nested",
        "--icount",
        "1",
        "--ephemeral",
        "--",
        "ls",
    ];
    for line in [line.to_vec(), [&["run"], &line[..]].concat()] {
        let args = run(&line);
        assert!(!args.dry_run);
        let request = args.into_request();
        assert_eq!(request.dir.as_deref(), Some(Path::new("/p")));
        assert_eq!(request.shares.len(), 2);
        assert!(request.shares[0].read_only && !request.shares[1].read_only);
        assert_eq!(request.env.len(), 2);
        assert_eq!(request.publish[0].host_port, 8080);
        assert_eq!(request.workdir.as_deref(), Some(Path::new("sub")));
        assert_eq!(request.flags.memory, Some(2 << 30));
        assert_eq!(request.flags.cpus, Some(3));
        assert_eq!(request.name.as_deref(), Some("box"));
        assert_eq!(request.flags.timeout, Some(Duration::from_secs(5400)));
        assert_eq!(request.flags.accel, Some(Choice::Tcg));
        assert_eq!(request.flags.image.as_deref(), Some("abc"));
        assert_eq!(request.flags.read_only_workspace, Some(true));
        assert!(request.guest_root && request.nested);
        assert_eq!(request.icount, Some(1));
        let output = request.output;
        assert!(output.quiet && output.show_boot && output.json && output.timing);
    }
}

#[test]
fn other_names_of_options() {
    assert_eq!(run(&["--cores", "8"]).cpus, Some(8));
    assert_eq!(run(&["--cpus=8"]).cpus, Some(8));
    assert_eq!(run(&["--workspace", "x"]).dir.as_deref(), Some(Path::new("x")));
    assert_eq!(run(&["--memory", "512"]).memory, Some(512 << 20));
    assert_eq!(run(&["--read-only-workspace=false"]).read_only_workspace, Some(false));
    let args = run(&["--read-only-workspace", "true"]);
    assert_eq!((args.read_only_workspace, args.command), (Some(true), vec!["true".into()]));
}

#[test]
fn sub_commands() {
    assert!(matches!(cli(&["doctor"]).command, Some(Command::Doctor(_))));
    assert!(matches!(cli(&["completion", "bash"]).command, Some(Command::Completion(_))));
    let image = |line: &[&str]| match cli(line).command {
        Some(Command::Image(image)) => image.action,
        other => panic!("{line:?}: {other:?}"),
    };
    assert!(matches!(
        image(&["image", "build"]),
        ImageAction::Build { image: None, with: None, arch: None, force: false, quiet: false, .. }
    ));
    assert!(matches!(
        image(&["image", "kernel", "--force", "--source", "/l.tar"]),
        ImageAction::Kernel { source: Some(_), force: true, quiet: false }
    ));
    match image(&["image", "build", "--arch", "arm64", "--kernel-flavour", "arm64-16k"]) {
        ImageAction::Build { arch: Some(Arch::Aarch64), kernel_flavour: Some(flavour), .. } => {
            assert_eq!(flavour, "arm64-16k");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(run(&["--arch", "amd64"]).arch, Some(Arch::X86_64));
    assert!(fails(&["--arch", "riscv64", "true"]).contains("riscv64"));
    assert!(fails(&["image", "build", "--kernel-flavour", "a b"]).contains("flavour"));
    assert_eq!(run(&["--kernel", "./vmlinux"]).kernel.as_deref(), Some("./vmlinux"));
    assert!(
        matches!(image(&["image", "rm", "a", "b"]), ImageAction::Rm { images } if images.len() == 2)
    );
    assert!(
        matches!(image(&["image", "verify"]), ImageAction::Verify { image } if image == "default")
    );
}

#[test]
fn an_import_needs_a_digest_and_a_name_that_is_no_other_images() {
    let digest = "a".repeat(64);
    let pin = format!("sha256:{digest}");
    let import = |rest: &[&str]| {
        let line = [&["image", "import", "x.tar"], rest].concat();
        parse(words(&line)).map(drop)
    };
    import(&["--digest", &pin]).unwrap();
    import(&["--digest", &digest, "--name", "nixos"]).unwrap();
    for rest in [
        &[][..],
        &["--digest", "sha256:12"],
        &["--digest", &pin, "--name", "default"],
        &["--digest", &pin, "--name", "abc123"],
        &["--digest", &pin, "--name", "../x"],
    ] {
        assert!(import(rest).is_err(), "{rest:?}");
    }
    assert!(cli(&["--flake", ".#x", "--", "true"]).run.flake.is_some());
}

#[test]
fn exec_takes_a_name_and_a_command() {
    let exec = |line: &[&str]| match cli(line).command {
        Some(Command::Exec(args)) => args,
        other => panic!("{line:?}: {other:?}"),
    };
    for line in [&["exec", "box", "--", "ls", "-la"][..], &["exec", "box", "ls", "-la"]] {
        let args = exec(line);
        assert_eq!(
            (args.name.as_str(), args.command),
            ("box", vec!["ls".into(), "-la".into()]),
            "{line:?}"
        );
    }
    let args = exec(&["exec", "-e", "A=1", "-w", "/x", "--guest-root", "box"]);
    assert!(args.guest_root && args.command.is_empty() && args.env.len() == 1);
    assert!(exec(&["exec", "box", "ps"]).command == ["ps"]);
    assert!(fails(&["exec", "../box", "ls"]).contains("letters"));
    assert!(fails(&["exec", "box", "--", "-e", "A"]).contains("options of qvm go before --"));
}

#[test]
fn mistakes_are_one_line_that_says_what_to_do() {
    let table: [(&[&str], &[&str]); 39] = [
        (&["--memroy", "4g"], &["'--memroy'", "'--memory'", "qvm --help"]),
        (&["-m", "10x"], &["10x", "like 512m or 4g"]),
        (&["-m", "0"], &["at least 128m"]),
        (&["--cpus", "0"], &["1 to 32"]),
        (&["--timeout", "soon"], &["1h30m"]),
        (&["--timeout", "0"], &["zero"]),
        (&["--accel", "xen"], &["xen", "auto, kvm, hvf, tcg"]),
        (&["--name", "a b"], &["letters"]),
        (&["-v", "/a:b"], &["SRC:DST"]),
        (&["-v", "/a:/proc/x"], &["hide the guest's own system"]),
        (&["-p", "80"], &["[IP:]HOST:GUEST"]),
        (&["-e", "=x"], &["NAME=VALUE"]),
        (&["-d"], &["directory to share", "not mean detach"]),
        (&["-d", "--", "ls"], &["directory to share"]),
        (
            &["-d", ".", "--", "-ephemeral"],
            &["`-ephemeral`", "every machine of qvm is ephemeral", "./-ephemeral"],
        ),
        (&["--", "--memory", "4g"], &["options of qvm go before --"]),
        (&["--clean"], &["qvm image prune"]),
        (&["--disk-size", "64"], &["give it more with -m"]),
        (&["-it", "ls"], &["exactly when standard input and output are one"]),
        (&["--rm", "ls"], &["ephemeral"]),
        (&["--net=host"], &["no network"]),
        (&["-d", ".", "doctor"], &["`doctor` is a sub-command and goes first", "-- doctor"]),
        (&["-q", "run", "ls"], &["goes first"]),
        (&["image"], &["`qvm image --help`"]),
        (&["models"], &["`qvm models --help`"]),
        (&["models", "rm"], &["provided: <ID>; see `qvm models rm --help`"]),
        (&["completion", "tcsh"], &["tcsh"]),
        (&["image", "rm"], &["IMAGE"]),
        (&["--ollama", "ls"], &["--model", "--upstream", "--no-model"]),
        (&["--base-url=http://x", "ls"], &["--upstream", "on this machine"]),
        (&["--api-key", "x"], &["needs no key"]),
        (&["--llama-server", "x"], &["--server-bin"]),
        (&["--gpus", "all", "ls"], &["qvm serve --gpu", "models.toml"]),
        (&["--ctx-size", "8k", "ls"], &["qvm serve --context", "`context` in models.toml"]),
        (&["serve", "--ctx", "8k"], &["qvm serve --context"]),
        (&["serve", "--port", "80"], &["listens on no port"]),
        (&["--agent", "codex"], &["--with"]),
        (&["--upstream", "http://example.com:80"], &["127.0.0.1:PORT"]),
        (&["--model", "a", "--no-model"], &["--model", "cannot be used with", "--no-model"]),
    ];
    for (line, parts) in table {
        let text = fails(line);
        for part in parts {
            assert!(text.contains(part), "{line:?}: {text}");
        }
        assert!(!text.contains('\n') && !text.starts_with("error"), "{line:?}: {text}");
    }
}

#[test]
fn help_and_version_are_no_failure() {
    for (line, part) in [
        (&["--help"][..], "Exit status:"),
        (&["-h"], "--dir"),
        (&["--version"], env!("CARGO_PKG_VERSION")),
        (&["run", "--help"], "--memory"),
    ] {
        match parse(words(line)) {
            Ok(Parsed::Print(text)) => assert!(text.contains(part), "{line:?}: {text}"),
            other => panic!("{line:?}: {other:?}"),
        }
    }
}

#[test]
fn later_sub_commands_are_not_offered() {
    for name in ["diff", "apply"] {
        assert!(!Cli::command().get_subcommands().any(|sub| sub.get_name() == name));
    }
    Cli::command().debug_assert();
}
