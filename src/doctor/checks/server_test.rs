#![allow(clippy::unwrap_used)]

use models::{Kind, Layout};

use super::*;
use crate::doctor::report::Level::{self, Ok as Well, Warn};

fn server() -> Server {
    Server {
        program: "/opt/llama-server".into(),
        kind: Kind::LlamaServer,
        layout: Layout::Rooted { root: "/opt".into() },
        backends: Vec::new(),
    }
}

fn denied() -> SandboxError {
    SandboxError::System("make a pipe", std::io::ErrorKind::PermissionDenied.into())
}

fn levels(findings: &[Finding]) -> Vec<(&'static str, Level)> {
    findings.iter().map(|finding| (finding.check, finding.level)).collect()
}

#[test]
fn no_server_is_a_warning_that_says_how_to_get_one() {
    let absent = line(&models::ServerError::Absent);
    let findings = program(&Err(absent), None);
    assert_eq!(levels(&findings), [("model server", Warn)]);
    assert_eq!(findings[0].fact, "no llama-server found");
    let advice = findings[0].advice.as_ref().unwrap();
    assert!(advice.contains("./scripts/setup model") && advice.contains("install llama.cpp"));
}

#[test]
fn a_program_that_fails_is_told_from_a_sandbox_that_does() {
    let well = program(&Ok(server()), Some(&Ok("9637 (2f89acc)".into())));
    assert_eq!(levels(&well), [("model server", Well), ("sandbox", Well)]);
    assert_eq!(well[0].fact, "/opt/llama-server 9637 (2f89acc)");

    let said = Some("libx.so: cannot open".into());
    let broken = SandboxError::NoVersion { program: "/opt/llama-server".into(), said };
    let broken = program(&Ok(server()), Some(&Err(broken)));
    assert_eq!(levels(&broken), [("model server", Warn), ("sandbox", Well)]);
    assert!(broken[0].fact.ends_with("libx.so: cannot open"), "{}", broken[0].fact);

    let open = program(&Ok(server()), Some(&Err(denied())));
    assert_eq!(levels(&open), [("model server", Well), ("sandbox", Warn)]);
    assert!(open[1].fact.contains("cannot make a pipe: permission denied"), "{}", open[1].fact);
}

#[test]
fn a_gpu_is_well_only_if_the_server_can_use_it() {
    let path = Path::new("/opt/llama-server");
    let none = Devices::new();
    let nvidia = Devices::from(["nvidia0".to_owned(), "nvidiactl".into()]);
    let said = |usable: &[&str]| Ok(usable.iter().map(|line| (*line).to_owned()).collect());
    let used =
        gpu(Gpu::Auto, path, &nvidia, Some(&said(&["CUDA0: A (1 MiB)", "CUDA1: B (1 MiB)"])));
    assert_eq!((used.level, &*used.fact), (Well, "CUDA0: A (1 MiB); CUDA1: B (1 MiB)"));
    assert_eq!(gpu(Gpu::Auto, path, &nvidia, Some(&said(&[]))).level, Warn);
    assert_eq!(gpu(Gpu::Auto, path, &nvidia, Some(&Err(denied()))).level, Warn);

    let idle = gpu(Gpu::Auto, path, &nvidia, None);
    assert_eq!(idle.level, Warn);
    assert!(idle.fact.contains("/dev/nvidiactl") && idle.advice.unwrap().contains("CUDA"));
    assert_eq!(gpu(Gpu::None, path, &nvidia, None).level, Well);
    assert_eq!(gpu(Gpu::Auto, path, &none, None).fact, "none; the CPU computes");
    assert_eq!(gpu(Gpu::Amd, path, &none, None).level, Warn);
}
