//! Bad input: status 125, one line that says what to do, nothing started.

use std::{fs, os::unix::fs::PermissionsExt, process::Command};

use e2e::{
    Scene, assert_refused,
    image::{another_cache, default_image},
    lossy, qvm_binary,
    users::behind_mounts,
};

fn refused(args: &[&str], words: &[&str]) {
    let output = Command::new(qvm_binary()).args(args).output().unwrap();
    assert_refused(&output, words);
}

#[test]
fn workspaces_that_are_none() {
    let scene = Scene::new();
    let path = |name: &str| scene.file(name).to_str().unwrap().to_owned();
    fs::write(path("file"), "").unwrap();
    refused(&["-d", &path("missing"), "--", "true"], &["missing"]);
    refused(&["-d", &path("file"), "--", "true"], &["not a directory"]);
    refused(&["-d", "claude", "--", "true"], &["claude", "-d"]);
    let home = std::env::var("HOME").unwrap();
    for forbidden in ["/", &home, "/proc", "/sys", "/dev"] {
        refused(&["-d", forbidden, "--", "true"], &[forbidden]);
    }
    std::os::unix::fs::symlink(&home, path("link")).unwrap();
    refused(&["-d", &path("link"), "--", "true"], &[]);
}

#[test]
fn numbers_out_of_range() {
    let scene = Scene::new();
    let dir = scene.workspace.to_str().unwrap();
    refused(&["-d", dir, "-m", "0", "--", "true"], &["memory"]);
    refused(&["-d", dir, "-m", "10T", "--", "true"], &["memory"]);
    refused(&["-d", dir, "-m", "lots", "--", "true"], &["lots"]);
    refused(&["-d", dir, "--cpus", "0", "--", "true"], &["0"]);
    refused(&["-d", dir, "--cpus", "33", "--", "true"], &["33"]);
    refused(&["-d", dir, "--timeout", "soon", "--", "true"], &["soon"]);
    refused(&["-d", dir, "--no-such-option", "--", "true"], &["--no-such-option"]);
    refused(&["-d", dir, "-e", "QVM_SURELY_UNSET", "--", "true"], &["QVM_SURELY_UNSET"]);
    refused(&["-d", dir, "-v", "/nowhere:/x", "--", "true"], &["/nowhere"]);
    refused(&["exec", "no-such-machine", "--", "true"], &["no-such-machine"]);
}

/// QEMU absent when it is needed.
#[test]
fn no_qemu() {
    let scene = Scene::new();
    let output = Command::new(qvm_binary())
        .args(["--accel", "tcg", "-d", scene.workspace.to_str().unwrap(), "--", "true"])
        .env("PATH", scene.top.path())
        .output()
        .unwrap();
    assert_refused(&output, &["qemu-system-x86"]);
}

/// A damaged image is found before it boots, and the way out is named.
#[test]
fn truncated_image() {
    let scene = Scene::new();
    let cache = scene.top.path().join("cache");
    let root = another_cache(&cache, &["root.erofs"]).join("root.erofs");
    let length = fs::metadata(default_image().join("root.erofs")).unwrap().len();
    fs::File::create(&root).unwrap().set_len(length / 2).unwrap();
    let output = scene.qvm().env("QVM_CACHE", &cache).args(["--", "true"]).output().unwrap();
    assert_refused(&output, &["root.erofs", "qvm image"]);
}

/// An image that does not exist, by name, by digest and by path.
#[test]
fn no_image() {
    let scene = Scene::new();
    for (image, word) in [("nosuch", "qvm image ls"), ("0000000000", "qvm image ls")] {
        let output = scene.qvm().args(["--image", image, "--", "true"]).output().unwrap();
        assert_refused(&output, &[image, word]);
    }
    let path = scene.top.path().join("nosuch");
    let output = scene.qvm().arg("--image").arg(&path).args(["--", "true"]).output().unwrap();
    assert_refused(&output, &[path.to_str().unwrap(), "qvm image build"]);
}

/// A disk under the cache without room for an image: nothing of one is left on it.
#[test]
fn full_disk() {
    let scene = Scene::new();
    let cache = scene.top.path().join("cache");
    fs::create_dir(&cache).unwrap();
    let mut listed = Command::new("sh");
    listed.args([
        "-c",
        "\"$0\" image build; code=$?; find \"$QVM_CACHE\" -size +0 -type f; exit $code",
    ]);
    listed.arg(qvm_binary()).env("QVM_CACHE", &cache);
    let mount = format!("mount -t tmpfs -o size=1m,mode=777 qvm-e2e '{}'", cache.display());
    let output = behind_mounts(&mount, &listed).output().unwrap();
    assert_refused(&output, &[cache.to_str().unwrap(), "MB free", "QVM_CACHE"]);
    assert_eq!(lossy(&output.stdout), "");
}

/// A `/dev/kvm` that may not be opened, or is not there: said, with what to do about it. If there
/// is no QEMU either, `doctor` knows that nothing can run.
#[test]
fn kvm_out_of_reach() {
    let scene = Scene::new();
    let closed = scene.file("closed");
    fs::write(&closed, "").unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    let (mount, word) = if fs::exists("/dev/kvm").unwrap() {
        (format!("mount --bind '{}' /dev/kvm", closed.display()), "usermod -aG kvm")
    } else {
        ("true".into(), "there is no /dev/kvm")
    };
    let mut qvm = Command::new(qvm_binary());
    qvm.args(["--accel", "kvm", "-d", scene.workspace.to_str().unwrap(), "--", "true"]);
    let output = behind_mounts(&mount, &qvm).output().unwrap();
    assert_refused(&output, &["/dev/kvm", word]);

    let mut doctor = Command::new(qvm_binary());
    doctor.arg("doctor");
    let without_qemu = format!(
        "{mount} && mkdir '{0}/bin' && ln -s $(command -v setpriv) '{0}/bin' && PATH='{0}/bin'",
        scene.workspace.display()
    );
    let output = behind_mounts(&without_qemu, &doctor).output().unwrap();
    let text = lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{text}");
    for word in [word, "qemu-system-x86_64 is not in PATH", "cannot run machines here"] {
        assert!(text.contains(word), "{word:?} is not in {text}");
    }
}
