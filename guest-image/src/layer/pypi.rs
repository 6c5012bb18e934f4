//! An agent from the Python package index.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::stage::Stage;
use super::{LayerError, client};
use crate::files::failed;

/// Python of the image.
const PYTHON: &str = "3.13";

/// Fetches the packages of `requirements`, each with its digest, and writes the program that
/// calls the function of the module. Only wheels are taken, so nothing of them is run.
pub fn fetch(
    agent: &str,
    requirements: &str,
    (module, function): (&str, &str),
    arch: &str,
    stage: &Stage,
    work: &Path,
) -> Result<(), LayerError> {
    let list = work.join(format!("{agent}.txt"));
    fs::write(&list, requirements).map_err(failed("write", &list))?;
    let target = stage.folder(agent, "lib")?;
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--no-input", "--disable-pip-version-check"])
        .args(["--no-deps", "--only-binary=:all:", "--require-hashes", "--no-compile"])
        .args(["--no-warn-script-location", "--implementation=cp"])
        // pip compares with the Python that runs it; the list is for the image's.
        .arg("--ignore-requires-python")
        .arg(format!("--python-version={PYTHON}"))
        .arg(format!("--platform=manylinux2014_{arch}"))
        .arg(format!("--platform=manylinux_2_17_{arch}"))
        .arg("--target")
        .arg(&target)
        .arg("--requirement")
        .arg(&list)
        // A user's own setting of these would contradict `--target`.
        .env("PIP_USER", "0")
        .env("PIP_REQUIRE_VIRTUALENV", "0");
    client::run("pip", &mut pip, work)?;
    // Programs of the packages, for the Python that ran pip.
    let programs = target.join("bin");
    if programs.exists() {
        fs::remove_dir_all(&programs).map_err(failed("remove", &programs))?;
    }
    let text = format!(
        "#!/usr/bin/python3 -I\nimport sys\nsys.path.insert(0, \"{}\")\n\
         from {module} import {function}\nsys.exit({function}())\n",
        stage.guest_path(agent, "lib").display(),
    );
    let program = stage.folder(agent, "bin")?.join(agent);
    fs::write(&program, text).map_err(failed("write", &program))?;
    stage.executable(&program)?;
    Ok(stage.link(agent, &format!("bin/{agent}"))?)
}
