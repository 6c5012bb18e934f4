//! Roots made by hand from this machine's programs: one in the shape of NixOS, one with systemd.
//!
//! The first has what no Debian has: a root without `/usr`, `/bin`, `/lib` and `/lib64`; programs
//! in `/nix/store`, whose loader and libraries are there, too; an `/etc` of links; `/run/wrappers`
//! and `/run/current-system` that only exist once somebody makes them; users that are made by a
//! script at each start. What starts from it assumes nothing of a distribution.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};

use crate::{image::default_image, lossy, stdout};

/// What the agent reads in an image.
pub const GUEST: &str = "etc/qvm/guest.json";

/// Programs of coreutils that cases call.
const COREUTILS: [&str; 16] = [
    "cat", "env", "id", "ln", "ls", "mkdir", "printenv", "readlink", "rm", "sleep", "stat", "stty",
    "touch", "true", "tty", "wc",
];

/// The activation: what NixOS's does, as far as a guest can tell. `@name@` is a store path.
const ACTIVATE: &str = r#"#!@bash@/bin/bash
set -eu
PATH=@coreutils@/bin
echo activating "$@"
mkdir -p /usr/bin /bin
ln -s @coreutils@/bin/env /usr/bin/env
ln -s @bash@/bin/sh /bin/sh
ln -s "$(readlink /run/current-system)/etc" /etc/static
echo 'nixbld1:x:30001:30000:Nix build user 1:/var/empty:/noshell' >/etc/passwd
id -u >/run/activated
"#;

/// What of systemd is left out: what a machine of two seconds need not wait for.
const SKIPPED: [&str; 2] =
    ["/usr/lib/systemd/system-generators/", "/usr/lib/systemd/system/sysinit.target.wants/"];

/// A root that is being made, and the image directory around it.
pub struct Root {
    top: PathBuf,
}

impl Root {
    /// An empty root in the new folder `top`.
    fn new(top: &Path) -> Self {
        fs::create_dir_all(top.join("root/etc/qvm")).unwrap();
        Self { top: top.to_owned() }
    }

    /// The path that `inside` has here.
    pub fn at(&self, inside: &str) -> PathBuf {
        self.top.join("root").join(inside.trim_start_matches('/'))
    }

    /// Writes a file and the folders above it.
    pub fn file(&self, inside: &str, content: impl AsRef<[u8]>, mode: u32) {
        let path = self.at(inside);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }

    /// Makes a link and the folders above it.
    pub fn link(&self, inside: &str, target: &str) {
        let path = self.at(inside);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(target, path).unwrap();
    }

    /// What the agent is told.
    pub fn guest(&self, guest: &Value) {
        self.file(GUEST, guest.to_string(), 0o444);
    }

    /// Packs the root; the path of a directory that `qvm --image` takes.
    pub fn image(&self) -> PathBuf {
        let dir = self.top.join("image");
        fs::create_dir_all(&dir).unwrap();
        let packed = dir.join("root.erofs");
        let _ = fs::remove_file(&packed);
        run(Command::new("mkfs.erofs")
            .args(["--quiet", "--all-root", "-x-1", "-T1755000000"])
            .args([&packed, &self.top.join("root")]));
        // Debian's kernel, for a cache that has no other.
        let real = default_image();
        let text = fs::read(real.join("manifest.json")).unwrap();
        let mut manifest: Value = serde_json::from_slice(&text).unwrap();
        let files = manifest["files"].as_object_mut().unwrap();
        files.retain(|name, _| ["vmlinux", "modules.cpio"].contains(&name.as_str()));
        for name in files.keys() {
            if !dir.join(name).exists() {
                fs::copy(real.join(name), dir.join(name)).unwrap();
            }
        }
        let sum = stdout(&Command::new("sha256sum").arg(&packed).output().unwrap());
        let size = fs::metadata(&packed).unwrap().len();
        let sum = sum.split(' ').next().unwrap();
        files.insert("root.erofs".into(), json!({ "size": size, "sha256": sum }));
        manifest["packages"] = json!([]);
        fs::write(dir.join("manifest.json"), manifest.to_string()).unwrap();
        dir
    }

    /// Copies a program of this machine to `inside`, and the libraries that it and `more` want
    /// with the loader to the folders that `place` names for each.
    fn program(&self, from: &Path, inside: &str, place: impl Fn(&str) -> String) {
        self.copy(from, inside);
        for library in libraries(from) {
            let name = library.file_name().unwrap().to_str().unwrap().to_owned();
            let to = format!("{}/{name}", place(&name));
            if !self.at(&to).exists() {
                self.copy(&library, &to);
            }
        }
    }

    /// Copies what a path leads to.
    fn copy(&self, from: &Path, inside: &str) {
        let to = self.at(inside);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(from, &to).unwrap();
    }
}

/// A root in the shape of NixOS, in the new folder `top`, and what its agent should be told.
pub fn nixos(top: &Path) -> (Root, Value) {
    let root = Root::new(top);
    let [glibc, others] = ["glibc-2", "libraries-1"].map(store);
    let [bash, coreutils, tools] = ["bash-5", "coreutils-9", "tools-1"].map(store);
    let libraries = |name: &str| {
        let of_glibc = ["ld-linux", "libc.", "libm.", "libdl.", "libpthread.", "librt."];
        let mine = of_glibc.iter().any(|start| name.starts_with(start));
        format!("{}/lib", if mine { &glibc } else { &others })
    };
    let mut programs = vec![("bash", &bash), ("grep", &tools)];
    programs.extend(COREUTILS.map(|name| (name, &coreutils)));
    for (name, package) in &programs {
        let inside = format!("{package}/bin/{name}");
        root.program(&Path::new("/usr/bin").join(name), &inside, libraries);
        patch(&root.at(&inside), &format!("{glibc}/lib"), &format!("{others}/lib"));
    }
    root.link(&format!("{bash}/bin/sh"), "bash");

    let [etc, system, activate] = ["etc", "nixos-system", "activate"].map(store);
    for (name, package) in &programs {
        root.link(&format!("{system}/sw/bin/{name}"), &format!("{package}/bin/{name}"));
    }
    root.link(&format!("{system}/sw/bin/sh"), &format!("{bash}/bin/sh"));
    root.link(&format!("{system}/etc"), &format!("{etc}/etc"));
    root.file(&format!("{etc}/etc/os-release"), "ID=nixos\n", 0o444);
    root.file(&format!("{etc}/etc/hosts"), "127.0.0.1 theirs\n", 0o444);
    root.file(&format!("{etc}/etc/profile"), "export PROFILE=read\n", 0o444);
    // They lead nowhere until the activation has made /etc/static, and the last two not even then.
    for name in ["hosts", "os-release", "profile", "group", "subuid"] {
        root.link(&format!("etc/{name}"), &format!("/etc/static/{name}"));
    }
    let script = ACTIVATE.replace("@bash@", &bash).replace("@coreutils@", &coreutils);
    root.file(&activate, script, 0o555);
    let guest = json!({
        "path": "/run/wrappers/bin:/run/current-system/sw/bin",
        "shell": "/run/current-system/sw/bin/bash",
        "env": { "NIX_PATH": "nixpkgs=flake:nixpkgs", "MINE": "image" },
        "links": { "/run/current-system": system, "/run/wrappers": "/nix/store/no-wrappers" },
        "activate": [activate, "now"],
    });
    root.guest(&guest);
    (root, guest)
}

/// A root with this machine's systemd, some units and the shell, in the new folder `top`.
pub fn systemd(top: &Path) -> (Root, Value) {
    let root = Root::new(top);
    let libraries = |name: &str| {
        format!("usr/lib/{}", if name.starts_with("ld-linux") { "" } else { "x86_64-linux-gnu" })
    };
    let listed = stdout(&Command::new("dpkg").args(["-L", "systemd"]).output().unwrap());
    let merged = ["/bin/", "/sbin/", "/lib/"];
    for path in listed.lines() {
        let moved = merged.iter().any(|start| path.starts_with(start));
        let inside = if moved { format!("/usr{path}") } else { path.to_owned() };
        let found = fs::symlink_metadata(path).unwrap();
        let start = |starts: &[&str]| starts.iter().any(|start| inside.starts_with(start));
        if !start(&["/usr/bin/", "/usr/lib/", "/etc/"]) || start(&SKIPPED) {
        } else if found.is_symlink() {
            root.link(&inside, fs::read_link(path).unwrap().to_str().unwrap());
        } else if found.is_file() && found.permissions().mode() & 0o111 != 0 {
            root.program(Path::new(path), &inside, libraries);
        } else if found.is_file() {
            root.copy(Path::new(path), &inside);
        }
    }
    for name in ["bash", "mount"].into_iter().chain(COREUTILS) {
        root.program(&Path::new("/usr/bin").join(name), &format!("usr/bin/{name}"), libraries);
    }
    for (link, target) in [
        ("bin", "usr/bin"),
        ("sbin", "usr/bin"),
        ("lib", "usr/lib"),
        ("lib64", "usr/lib"),
        ("usr/bin/sh", "bash"),
    ] {
        root.link(link, target);
    }
    root.file("etc/passwd", "root:x:0:0:root:/root:/bin/bash\n", 0o644);
    root.file("etc/group", "root:x:0:\ntty:x:5:\n", 0o644);
    root.file("etc/machine-id", "", 0o444);
    root.file(
        "etc/systemd/system/greeting.service",
        "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo $$$$ >/run/greeting; cat /proc/self/cgroup >>/run/greeting'\n\
         [Install]\nWantedBy=multi-user.target\n",
        0o644,
    );
    root.file("etc/systemd/system/idle.service", "[Service]\nExecStart=/bin/sleep 1000\n", 0o644);
    // The second cleans /tmp, and must not find a workspace there.
    for unit in ["systemd-journald.service", "systemd-tmpfiles-setup.service"] {
        let wanted = format!("usr/lib/systemd/system/sysinit.target.wants/{unit}");
        root.link(&wanted, &format!("../{unit}"));
    }
    for unit in ["greeting.service", "idle.service"] {
        let wanted = format!("etc/systemd/system/multi-user.target.wants/{unit}");
        root.link(&wanted, &format!("/etc/systemd/system/{unit}"));
    }
    root.link("etc/systemd/system/default.target", "/usr/lib/systemd/system/multi-user.target");
    let guest = json!({ "systemd": "/lib/systemd/systemd" });
    root.guest(&guest);
    (root, guest)
}

/// A path in the store: what looks like a digest, and a name.
pub fn store(name: &str) -> String {
    let letter = name.chars().next().unwrap();
    format!("/nix/store/{}-{name}", letter.to_string().repeat(32))
}

/// The libraries of a program, and its loader.
fn libraries(program: &Path) -> Vec<PathBuf> {
    // Says nothing of scripts and static programs, and fails for them.
    let listed = Command::new("ldd").arg(program).output().unwrap();
    lossy(&listed.stdout)
        .lines()
        .filter_map(|line| line.split_whitespace().find(|word| word.starts_with('/')))
        .map(PathBuf::from)
        .collect()
}

/// Makes a program look for its loader and libraries in the store.
fn patch(program: &Path, glibc: &str, others: &str) {
    let loader = format!("{glibc}/ld-linux-x86-64.so.2");
    // Also for the libraries of libraries.
    run(Command::new("patchelf")
        .args(["--set-interpreter", &loader, "--force-rpath"])
        .args(["--set-rpath", &format!("{glibc}:{others}")])
        .arg(program));
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", lossy(&output.stderr));
}
