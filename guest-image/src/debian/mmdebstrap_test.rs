#![allow(clippy::unwrap_used)]

use super::*;
use crate::Arch;

#[test]
fn the_command_gives_nothing_of_this_machine_away() {
    let recipe = Recipe::default_debian();
    let mirror =
        Mirror { main: "http://m.example/debian".to_owned(), updates: false, security: None };
    let command = command(&recipe, None, &mirror, Path::new("/t"), Path::new("/c d"));
    let args: Vec<_> = command.get_args().map(|arg| arg.to_str().unwrap()).collect();
    assert_eq!(args[args.len() - 3..], ["trixie", "-", "deb http://m.example/debian trixie main"]);
    assert!(args.contains(&"--customize-hook=copy-out /qvm-out /c\\ d"));
    let names: Vec<_> = command.get_envs().map(|(name, _)| name.to_str().unwrap()).collect();
    assert!(names.iter().all(|name| program::VARIABLES.contains(name)
        || name.starts_with("QVM_")
        || ["USER", "LOGNAME", "TMPDIR", "SOURCE_DATE_EPOCH"].contains(name)));
}

#[test]
fn the_root_of_another_machine_is_finished_by_hooks_in_order() {
    let [first, second] = Arch::ALL;
    let recipe = Recipe::debian(if Arch::HOST == first { second } else { first }, None);
    let mirror = Mirror { main: "http://m".to_owned(), updates: false, security: None };
    let foreign = Foreign::Own("/usr/bin/emulator".into());
    let command = command(&recipe, Some(&foreign), &mirror, Path::new("/t"), Path::new("/c"));
    let args: Vec<_> = command.get_args().map(|arg| arg.to_str().unwrap()).collect();
    let at = |start: &str| args.iter().position(|arg| arg.starts_with(start)).unwrap();
    let architecture = format!("--architectures={}", recipe.arch.debian());
    assert!(args.contains(&architecture.as_str()) && args.contains(&"--variant=extract"));
    assert!(at(&format!("--extract-hook={FOREIGN_HOOK}")) < at("--extract-hook=copy-out"));
    assert!(!args.iter().any(|arg| arg.starts_with("--customize-hook")), "{args:?}");
    let registered = command.get_envs().any(|(name, value)| {
        name == "QVM_BINFMT" && value.is_some_and(|v| v.to_str().unwrap().contains("emulator"))
    });
    assert!(registered);
}

#[test]
fn the_uuid_is_one() {
    let uuid = Recipe::default_debian().digest().uuid();
    let lengths: Vec<_> = uuid.split('-').map(str::len).collect();
    assert_eq!(lengths, [8, 4, 4, 4, 12]);
}

#[test]
fn settings_that_lead_to_a_mirror() {
    let dump = "APT \"\";\nAcquire \"\";\nAcquire::http \"\";\nAcquire::http::Proxy \"http://p.example:3128\";\nAcquire::cdrom::mount \"/x\";\n";
    assert_eq!(kept_settings(dump), ["Acquire::http::Proxy \"http://p.example:3128\";"]);
}
