//! The program that serves models, its sandbox, and the GPU.

use std::path::Path;

use models::{Gpu, Server, gpu::Devices};

use crate::{doctor::report::Finding, error::line, serve::SandboxError};

/// What to do for a server. Machines run without, so none of this is a failure.
const INSTALL: &str =
    "`./scripts/setup model` on Debian, else install llama.cpp; without it machines have no model";

/// What its sandbox is.
const MADE: &str = if cfg!(target_os = "macos") {
    "can be made: Seatbelt"
} else {
    "can be made, all layers of it"
};
/// What to do where it cannot be made.
const SANDBOX: &str = if cfg!(target_os = "macos") {
    "`log show --last 5m --predicate 'sender == \"Sandbox\"'` tells what was refused; a model server \
     runs in Seatbelt or not at all"
} else {
    "a model server needs user namespaces, landlock and seccomp, and runs in all of them or not at all"
};

/// The program, and that it runs in its sandbox.
pub fn program(
    found: &Result<Server, String>,
    version: Option<&Result<String, SandboxError>>,
) -> Vec<Finding> {
    let server = match found {
        Ok(server) => server,
        Err(why) => {
            let fact = why.split_once("; ").map_or(why.as_str(), |(fact, _)| fact);
            return vec![Finding::warn("model server", fact, INSTALL)];
        }
    };
    let path = server.program.display();
    match version {
        None => vec![Finding::ok("model server", path.to_string())],
        Some(Ok(version)) => vec![
            Finding::ok("model server", format!("{path} {version}")),
            Finding::ok("sandbox", MADE),
        ],
        Some(Err(error @ SandboxError::NoVersion { .. })) => vec![
            Finding::warn("model server", line(error), "install it again, or another"),
            Finding::ok("sandbox", MADE),
        ],
        Some(Err(error)) => vec![
            Finding::ok("model server", path.to_string()),
            Finding::warn("sandbox", line(error), SANDBOX),
        ],
    }
}

/// The GPU, as far as the server knows. `usable` are the devices that it listed in its sandbox,
/// `None` if it was granted nothing.
pub fn gpu(
    choice: Gpu,
    server: &Path,
    devices: &Devices,
    usable: Option<&Result<Vec<String>, SandboxError>>,
) -> Finding {
    let server = server.display();
    let there: Vec<_> =
        ["nvidiactl", "dxg", "kfd"].into_iter().filter(|name| devices.contains(*name)).collect();
    let there = there.iter().map(|name| format!("/dev/{name}")).collect::<Vec<_>>().join(", ");
    match usable {
        Some(Ok(usable)) if !usable.is_empty() => Finding::ok("gpu", usable.join("; ")),
        Some(Ok(_)) => Finding::warn(
            "gpu",
            format!("{server} finds nothing that it can use of it; the CPU computes"),
            "look at the driver and which GPU the server is built for",
        ),
        Some(Err(error)) => Finding::warn(
            "gpu",
            format!("{} (asked for its devices)", line(error)),
            "`gpu = \"none\"` in models.toml serves from the CPU",
        ),
        None if choice == Gpu::None => {
            Finding::ok("gpu", "none is used, as models.toml says; the CPU computes")
        }
        None if !there.is_empty() => Finding::warn(
            "gpu",
            format!(
                "there is one ({there}), but {server} has no back end for it; the CPU computes"
            ),
            "use a llama-server that is built for CUDA, ROCm or Vulkan",
        ),
        None if choice != Gpu::Auto => Finding::warn(
            "gpu",
            "none, though models.toml wants one, so that nothing will be served",
            "`gpu = \"auto\"` uses one where there is one",
        ),
        None => Finding::ok("gpu", "none; the CPU computes"),
    }
}

#[cfg(test)]
#[path = "server_test.rs"]
mod tests;
