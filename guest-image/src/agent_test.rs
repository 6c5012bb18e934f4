#![allow(clippy::unwrap_used)]

use super::*;
use crate::fuzzing::parse_cpio;

#[test]
fn the_variable_comes_first_and_must_be_right() {
    let dir = tempfile::tempdir().unwrap();
    let agent = dir.path().join("a");
    std::fs::write(&agent, b"").unwrap();
    assert_eq!(locate_from(Arch::HOST, Some(agent.clone()), None).unwrap(), agent);
    assert!(matches!(
        locate_from(Arch::HOST, Some(dir.path().join("b")), None),
        Err(AgentError::Variable(_))
    ));
}

#[test]
fn beside_the_program_then_libexec() {
    let dir = tempfile::tempdir().unwrap();
    let bin = dir.path().join("bin");
    let libexec = dir.path().join("libexec/qvm");
    std::fs::create_dir_all(&bin).unwrap();
    std::fs::create_dir_all(&libexec).unwrap();
    let exe = bin.join("qvm");
    let missing = locate_from(Arch::HOST, None, Some(&exe)).unwrap_err().to_string();
    assert!(missing.contains("bin/guest-agent") && missing.contains("QVM_AGENT"), "{missing}");
    std::fs::write(libexec.join(NAME), b"").unwrap();
    assert!(
        locate_from(Arch::HOST, None, Some(&exe)).unwrap().ends_with("libexec/qvm/guest-agent")
    );
    std::fs::write(bin.join(NAME), b"").unwrap();
    assert_eq!(locate_from(Arch::HOST, None, Some(&exe)).unwrap(), bin.join(NAME));
}

#[test]
fn the_agent_of_another_machine_is_in_a_folder_of_its_name() {
    let [first, second] = Arch::ALL;
    let other = if Arch::HOST == first { second } else { first };
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join(NAME), b"").unwrap();
    let exe = dir.path().join("qvm");
    let missing = locate_from(other, None, Some(&exe)).unwrap_err().to_string();
    assert!(missing.contains(&format!("./scripts/build --arch {other}")), "{missing}");
    let agent = dir.path().join(other.name()).join(NAME);
    std::fs::create_dir(dir.path().join(other.name())).unwrap();
    std::fs::write(&agent, b"").unwrap();
    assert_eq!(locate_from(other, None, Some(&exe)).unwrap(), agent);
}

#[test]
fn the_initramfs_starts_the_agent() {
    let (mut bytes, tail) = initramfs(3).unwrap();
    assert_eq!(bytes.len() % 4, 0);
    bytes.extend_from_slice(b"ELF\0");
    bytes.extend(tail);
    let entries = parse_cpio(&bytes).unwrap();
    let init = entries.iter().find(|e| e.name == "init").unwrap();
    assert_eq!((init.mode, init.content.as_slice()), (0o100_755, &b"ELF"[..]));
    assert!(entries.iter().any(|e| e.name == "dev/console" && e.mode == 0o020_600));
}
