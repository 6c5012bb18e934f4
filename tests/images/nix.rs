//! A Nix with a store of its own, flakes that it builds without any network, and a cache.

use std::{
    env, fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::{Command, Output},
};

use e2e::{Scene, image::default_image, lossy, qvm_binary, stdout};

/// What Nix may see of this machine while it builds: the tools of its builders.
const SANDBOX: &str = "/bin /lib /lib64 /usr";

/// A scene with a Nix, a cache that has the default image, and a home without settings.
pub struct Place {
    pub scene: Scene,
    pub cache: PathBuf,
    /// The store's root, as `NIX_REMOTE` has it.
    pub root: PathBuf,
}

impl Place {
    /// A place; `None`, and the reason printed, where Nix cannot build anything for this user.
    pub fn new() -> Option<Self> {
        let place = Self::without_nix();
        // As if for all, with what there is on every machine.
        fs::create_dir_all(place.at("conf")).unwrap();
        let settings = format!(
            "sandbox = true\nsandbox-paths = {SANDBOX}\nsubstituters =\nbuilders =\nbuild-users-group =\n\
             filter-syscalls = false\nexperimental-features = nix-command flakes\n"
        );
        fs::write(place.at("conf/nix.conf"), settings).unwrap();
        let flake = place.flake("probe", r#"packages.SYSTEM.default = make "probe" "touch $out";"#);
        let why = match place.nix(&["build", "--no-link", &format!("path:{}", flake.display())]) {
            Ok(_) => return Some(place),
            Err(why) => why,
        };
        println!("skipped: nix builds nothing here: {why}");
        None
    }

    /// A place for what needs no Nix, or one that is none.
    pub fn without_nix() -> Self {
        let scene = Scene::new();
        let top = scene.top.path();
        let (cache, root) = (top.join("cache"), top.join("store"));
        let real = default_image();
        fs::create_dir_all(cache.join("images")).unwrap();
        // Shown, not copied: nothing here changes it.
        symlink(&real, cache.join("images").join(real.file_name().unwrap())).unwrap();
        fs::create_dir(top.join("home")).unwrap();
        Self { cache, root, scene }
    }

    /// Has Nix itself do something, so that qvm finds it built. A sandbox of old versions, in a
    /// store that is not at its usual place, now and then kills a builder that has just ended;
    /// then it is tried again.
    pub fn nix(&self, words: &[&str]) -> Result<String, String> {
        let mut said = String::new();
        for _ in 0..20 {
            let output = self.environment(Command::new("nix").args(words)).output();
            let output = output.map_err(|e| e.to_string())?;
            if output.status.success() {
                return Ok(lossy(&output.stdout));
            }
            said = lossy(&output.stderr);
            if !said.contains("failed due to signal 9") {
                break;
            }
        }
        Err(said.lines().last().unwrap_or_default().to_owned())
    }

    pub fn at(&self, name: &str) -> PathBuf {
        self.scene.top.path().join(name)
    }

    /// The environment of this place.
    pub fn environment<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env("NIX_CONF_DIR", self.at("conf"))
            .env("NIX_REMOTE", &self.root)
            .env("HOME", self.at("home"))
            .env("QVM_CACHE", &self.cache)
            .env_remove("XDG_CACHE_HOME")
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("XDG_DATA_HOME")
            .env_remove("QVM_NIXOS_FLAKE")
    }

    /// Runs `qvm` with these words.
    pub fn qvm(&self, words: &[&str]) -> Output {
        self.environment(Command::new(qvm_binary()).args(words)).output().unwrap()
    }

    /// Runs a command in a machine with these options.
    pub fn run(&self, options: &[&str], argv: &[&str]) -> Output {
        let mut command = self.scene.qvm();
        self.environment(command.args(options).arg("--").args(argv)).output().unwrap()
    }

    /// A flake with these outputs. In them `make NAME SCRIPT` is a derivation and SYSTEM this
    /// machine's.
    pub fn flake(&self, name: &str, outputs: &str) -> PathBuf {
        let dir = self.at(name);
        fs::create_dir_all(&dir).unwrap();
        let text = format!(
            r#"{{ outputs = {{ self }}: let
  make = name: script: derivation {{
    inherit name; system = "SYSTEM"; builder = "/bin/bash"; args = [ "-euc" script ]; PATH = "/bin:/usr/bin";
  }};
in {{ {outputs} }}; }}"#
        );
        let text = text.replace("SYSTEM", &format!("{}-linux", env::consts::ARCH));
        fs::write(dir.join("flake.nix"), text).unwrap();
        dir
    }

    /// A folder with a program `nix` that does this, before the rest of `PATH`.
    pub fn fake(&self, script: &str) -> String {
        let dir = self.at("fake");
        fs::create_dir_all(&dir).unwrap();
        let path = dir.join("nix");
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        format!("{}:{}", dir.display(), env::var("PATH").unwrap())
    }

    /// Asserts that the cache has the default image, nothing else, and nothing half made.
    pub fn assert_intact(&self) {
        let names = |dir: &Path| fs::read_dir(dir).map_or(0, Iterator::count);
        assert_eq!(names(&self.cache.join("images")), 1);
        for dir in ["layers", "kernels", "tmp", "nix", "origins"] {
            assert_eq!(names(&self.cache.join(dir)), 0, "{dir}");
        }
    }
}

/// A static program in a flake's folder that says hello.
pub fn hello(dir: &Path) {
    let source = dir.join("hello.c");
    fs::write(&source, "#include <stdio.h>\nint main(void) { puts(\"hello from the store\"); }\n")
        .unwrap();
    let built = Command::new("cc")
        .args(["-static", "-O1", "-o"])
        .args([dir.join("hello"), source])
        .output()
        .unwrap();
    stdout(&built);
}

/// An archive with these files.
pub fn tar(to: &Path, from: &Path, names: &[&str]) {
    stdout(
        &Command::new("tar").arg("cf").arg(to).arg("-C").arg(from).args(names).output().unwrap(),
    );
}

/// SHA-256 of a file, in hexadecimal.
pub fn sha256(path: &Path) -> String {
    let said = stdout(&Command::new("sha256sum").arg(path).output().unwrap());
    said.split(' ').next().unwrap().to_owned()
}

/// An image directory with these files, for the machine `arch`; the digest that pins it.
pub fn small_image(dir: &Path, arch: &str, files: &[(&str, &[u8])]) -> String {
    fs::create_dir_all(dir).unwrap();
    let mut manifest = serde_json::json!({
        "format": 1, "recipe": "0".repeat(64), "arch": arch, "packages": [], "files": {},
    });
    for (name, content) in files {
        let path = dir.join(name);
        fs::write(&path, content).unwrap();
        manifest["files"][name] =
            serde_json::json!({ "size": content.len(), "sha256": sha256(&path) });
    }
    fs::write(dir.join("manifest.json"), manifest.to_string()).unwrap();
    sha256(&dir.join("manifest.json"))
}
