//! What the cases with a model share: a configuration and servers of their own.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::Value;

use crate::{
    Scene, accel, gguf,
    image::default_image,
    lossy,
    processes::{alive, words},
    qvm_binary,
    scripted::Scripted,
};

/// A workspace, and a configuration and servers that no other test has.
pub struct Setting {
    /// The workspace.
    pub scene: Scene,
    /// `$HOME` of qvm.
    pub home: PathBuf,
}

impl Default for Setting {
    fn default() -> Self {
        Self::new()
    }
}

impl Setting {
    /// A fresh one.
    pub fn new() -> Self {
        let scene = Scene::new();
        let home = scene.top.path().join("home");
        fs::create_dir(&home).unwrap();
        let setting = Self { scene, home };
        setting.configure("");
        setting
    }

    /// What is unlike anything in another test: part of the names of models and servers.
    pub fn unique(&self) -> String {
        let name = self.scene.top.path().file_name().unwrap().to_str().unwrap();
        name.rsplit('-').next().unwrap().to_ascii_lowercase()
    }

    /// `qvm` with the configuration of this setting; a sub-command follows.
    pub fn command<S: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(qvm_binary());
        command.args(words).stdin(Stdio::null());
        // The image, and where the model server is looked for, stay those of the caller.
        command.env("QVM_CACHE", cache());
        command.env("HOME", &self.home).env("XDG_CONFIG_HOME", self.home.join(".config"));
        command.env("QVM_SERVE_NAME", format!("e2e-{}", self.unique()));
        command
    }

    /// Runs a sub-command to its end.
    pub fn output<S: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = S>) -> Output {
        self.command(words).output().unwrap()
    }

    /// `qvm` on the workspace, with room for an agent; options can be added, then a command.
    pub fn qvm(&self) -> Command {
        let mut command = self.command(["--accel", &accel(), "--memory", "1536m", "--cpus", "2"]);
        command.arg("-d").arg(&self.scene.workspace);
        command
    }

    /// The same with a scripted server as its model.
    pub fn with(&self, server: &Scripted) -> Command {
        let mut command = self.qvm();
        command.args(["--upstream", server.upstream()]);
        command
    }

    /// Writes the file of models with this at its top; [`Setting::add`] adds to it.
    pub fn configure(&self, top: &str) {
        let file = self.home.join(".config/qvm/models.toml");
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        // No server outlives its test for long.
        fs::write(file, format!("idle = \"2s\"\n{top}")).unwrap();
    }

    /// Writes the tiny model under a name that only this test has.
    pub fn tiny(&self, name: &str) -> PathBuf {
        let path = self.scene.top.path().join(format!("{name}.gguf"));
        gguf::write_tiny(&path);
        path
    }

    /// Adds a model to the configuration.
    pub fn add(&self, id: &str, model: &Path, options: &[&str]) {
        let mut command = self.command(["models", "add", id]);
        let output = command.arg(model).args(options).output().unwrap();
        assert!(output.status.success(), "{}", lossy(&output.stderr));
    }

    /// The model servers that serve this model now.
    pub fn servers(&self, model: &str) -> Vec<u32> {
        let all = fs::read_dir("/proc").unwrap().flatten();
        all.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter(|pid| {
                let words = words(*pid);
                // A model server is told by the option that every one gets.
                alive(*pid)
                    && words.iter().any(|word| word == "--offline")
                    && words.iter().any(|word| word.contains(model))
            })
            .collect()
    }

    /// What the guest left in the workspace under this name.
    pub fn left(&self, name: &str) -> String {
        let path = self.scene.file(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// The same as JSON.
    pub fn left_json(&self, name: &str) -> Value {
        let text = self.left(name);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}"))
    }
}

/// Where the built image and the model server are.
pub fn cache() -> PathBuf {
    default_image().parent().and_then(Path::parent).unwrap().to_path_buf()
}

/// A real small model, SmolLM2-135M-Instruct: `QVM_E2E_MODEL`, or the one in the cache.
pub fn smollm2() -> PathBuf {
    if let Some(path) = std::env::var_os("QVM_E2E_MODEL") {
        return path.into();
    }
    let folder = cache().join("models/smollm2");
    let found = fs::read_dir(&folder).ok().and_then(|entries| {
        let mut files = entries.flatten().map(|entry| entry.path());
        files.find(|path| path.extension().is_some_and(|kind| kind == "gguf"))
    });
    found.unwrap_or_else(|| panic!("{} has no model: set QVM_E2E_MODEL", folder.display()))
}

/// Asserts that qvm failed with status 125 and one line that has each of these words.
pub fn assert_one_line(output: &Output, expected: &[&str]) {
    crate::assert_refused(output, expected);
    let stderr = lossy(&output.stderr);
    assert_eq!(stderr.trim_end().lines().count(), 1, "{stderr}");
}
