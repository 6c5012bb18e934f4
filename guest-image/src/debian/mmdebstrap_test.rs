#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn the_command_gives_nothing_of_this_machine_away() {
    let recipe = Recipe::default_debian();
    let mirror =
        Mirror { main: "http://m.example/debian".to_owned(), updates: false, security: None };
    let command = command(&recipe, &mirror, Path::new("/t"), Path::new("/c d"));
    let args: Vec<_> = command.get_args().map(|arg| arg.to_str().unwrap()).collect();
    assert_eq!(args[args.len() - 3..], ["trixie", "-", "deb http://m.example/debian trixie main"]);
    assert!(args.contains(&"--customize-hook=copy-out /qvm-out /c\\ d"));
    let names: Vec<_> = command.get_envs().map(|(name, _)| name.to_str().unwrap()).collect();
    assert!(names.iter().all(|name| VARIABLES.contains(name)
        || name.starts_with("QVM_")
        || ["TMPDIR", "SOURCE_DATE_EPOCH"].contains(name)));
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
