//! What cannot be: one line each, and the cache stays as it was.

use std::{env::consts::ARCH, fs, process::Command};

use e2e::{assert_refused, lossy, qvm_binary, stdout};

use crate::nix::{Place, small_image, tar};

/// Asserts that it failed with one line that has these words, and that the cache is as it was.
fn refused(place: &Place, output: &std::process::Output, words: &[&str]) {
    assert_refused(output, words);
    assert_eq!(lossy(&output.stderr).lines().count(), 1, "{}", lossy(&output.stderr));
    place.assert_intact();
}

#[test]
fn images_that_are_not_there() {
    let place = Place::without_nix();
    let run = |image: &str| place.run(&["--image", image], &["true"]);
    refused(&place, &run("nonesuch"), &["there is no image nonesuch", "qvm image ls"]);
    refused(&place, &run("nixos"), &["which flake makes", "QVM_NIXOS_FLAKE", "nixos_flake"]);
    refused(&place, &run("./nonesuch/"), &["nonesuch"]);
    refused(&place, &run("flake:--impure"), &["does not begin with a dash"]);
    refused(&place, &place.qvm(&["image", "build", "-q", "nonesuch"]), &["there is no image"]);
    refused(&place, &place.qvm(&["image", "export", "nonesuch", "x"]), &["there is no image"]);
    fs::write(place.scene.file(".qvm.toml"), "flake = \".\"\n").unwrap();
    refused(&place, &place.run(&[], &["true"]), &[".qvm.toml:1", "only tighten", "flake"]);
}

#[test]
fn images_for_another_machine_and_swapped_ones() {
    let place = Place::without_nix();
    small_image(&place.at("vax"), "vax", &[("root.erofs", b"x"), ("vmlinux", b"x")]);
    let vax = format!("{}/", place.at("vax").display());
    refused(&place, &place.run(&["--image", &vax], &["true"]), &["is for vax", ARCH]);

    let file = place.at("image.tar");
    let names = [[1; 100], [2; 100]].map(|content| {
        let dir = place.at("made");
        let digest = small_image(&dir, ARCH, &[("root.erofs", &content)]);
        tar(&file, &dir, &["manifest.json", "root.erofs"]);
        let words = ["image", "import", "-q", file.to_str().unwrap(), "--digest", &digest];
        stdout(&place.qvm(&words)).trim().to_owned()
    });
    let [a, b] = names.each_ref().map(|name| place.cache.join("images").join(name));
    let swap = |from: &std::path::Path, to: &std::path::Path| {
        fs::rename(from, place.at("away")).unwrap();
        fs::rename(to, from).unwrap();
        fs::rename(place.at("away"), to).unwrap();
    };
    let verify = || place.qvm(&["image", "verify", &names[0]]);
    stdout(&verify());
    swap(&a, &b);
    assert_refused(&verify(), &["holds the image"]);
    swap(&a, &b);
    // One file of another, of the same length.
    swap(&a.join("root.erofs"), &b.join("root.erofs"));
    assert_refused(&verify(), &["root.erofs of the image was altered"]);
    swap(&a.join("root.erofs"), &b.join("root.erofs"));
    stdout(&verify());
}

#[test]
fn a_nix_that_is_missing_old_or_no_nix() {
    let place = Place::without_nix();
    let build = |path: &str| {
        let mut command = Command::new(qvm_binary());
        command.args(["image", "build", "-q", "flake:github:qvm/none#x"]).env("PATH", path);
        place.environment(&mut command).output().unwrap()
    };
    if !std::path::Path::new("/nix/var/nix/profiles/default/bin/nix").exists()
        && !std::path::Path::new("/run/current-system/sw/bin/nix").exists()
    {
        refused(&place, &build("/nonexistent"), &["there is no nix in PATH", "nix-bin", "2.8"]);
    }
    let old = place.fake("echo 'nix (Nix) 2.3.16'");
    refused(&place, &build(&old), &["this Nix is too old", "2.3, and 2.8 or newer is needed"]);
    let strange = place.fake("echo ok");
    refused(&place, &build(&strange), &["no Nix that qvm knows", "2.8"]);
    let known = "case $1 in --version) echo 'nix (Nix) 2.18.1'; exit;; esac";
    let garbage = place.fake(&format!("{known}\necho '{{}}}}'"));
    refused(&place, &build(&garbage), &["reading the flake gave something that is not understood"]);
    let broken = place.fake(&format!("{known}\nkill -9 $$"));
    refused(&place, &build(&broken), &["reading the flake failed", "said nothing"]);
    let much = place.fake(&format!("{known}\nyes"));
    refused(&place, &build(&much), &["gave more than 16 MiB"]);
}

#[test]
fn flakes_that_do_not_evaluate_or_build() {
    let Some(place) = Place::new() else { return };
    let log = place.cache.join("nix.log");
    let words = |flake: &std::path::Path| flake.display().to_string();
    let image = |flake: &std::path::Path| {
        place.qvm(&["image", "build", "-q", &format!("flake:{}", words(flake))])
    };
    let broken = place.flake("broken", "packages.SYSTEM.guest-image = ;");
    refused(&place, &image(&broken), &["failed: syntax error", "nix.log"]);
    assert!(fs::read_to_string(&log).unwrap().contains("flake.nix:"));
    let throws = place.flake("throws", "packages.SYSTEM.guest-image = throw \"told so\";");
    refused(&place, &image(&throws), &["building the image with Nix failed", "told so"]);
    let lacks = place.flake("lacks", "");
    refused(&place, &image(&lacks), &["does not provide attribute", "guest-image"]);
    let fails =
        place.flake("fails", r#"packages.SYSTEM.guest-image = make "x" "echo why >&2; exit 3";"#);
    refused(&place, &image(&fails), &["Nix failed: builder for", "nix.log"]);
    assert!(fs::read_to_string(&log).unwrap().contains("why"));
    let none = place.flake("none", r#"packages.SYSTEM.guest-image = make "x" "mkdir $out";"#);
    place.nix(&["build", "--no-link", &format!("{}#guest-image", words(&none))]).unwrap();
    refused(&place, &image(&none), &["gives cannot be used", "manifest.json"]);
    let shell = |flake: &std::path::Path| place.run(&["--flake", &words(flake)], &["true"]);
    refused(&place, &shell(&broken), &["failed: syntax error"]);
    refused(&place, &shell(&place.at("nowhere")), &["reading the flake failed"]);
    refused(&place, &shell(&lacks), &["does not provide attribute", "devShells"]);

    // A guest may have written the workspace's .git/config, which names programs.
    fs::create_dir(place.scene.file(".git")).unwrap();
    fs::write(place.scene.file("flake.nix"), "{ outputs = _: { }; }").unwrap();
    let version = stdout(&Command::new("nix").arg("--version").output().unwrap());
    if version.contains(" 2.8.") {
        refused(&place, &shell(&place.scene.workspace), &["runs git there", "path:"]);
    }
}

/// The file system of the cache is full before, and in the middle.
#[test]
fn a_disk_that_is_full() {
    let place = Place::without_nix();
    let dir = place.at("made");
    let digest = small_image(&dir, ARCH, &[("root.erofs", &[7; 3_000_000])]);
    let file = place.at("image.tar");
    tar(&file, &dir, &["manifest.json", "root.erofs"]);
    let full = place.at("full");
    fs::create_dir(&full).unwrap();
    let import = |options: &str| {
        let script = "mount -t tmpfs -o \"$1\" none \"$2\" || { echo no mount; exit 99; }
            \"$3\" image import -q \"$4\" --digest \"$5\"; status=$?
            find \"$2\" -mindepth 2; exit $status";
        let root = if rustix::process::geteuid().is_root() { "-m" } else { "-rm" };
        let mut command = Command::new("unshare");
        command.args([root, "sh", "-c", script, "sh", options]).arg(&full).arg(qvm_binary());
        command.args([file.to_str().unwrap(), &digest]);
        place.environment(&mut command).env("QVM_CACHE", &full).output().unwrap()
    };
    let enough = import("size=20m");
    if enough.status.code() == Some(99) {
        println!("skipped: no file system of memory can be mounted: {}", lossy(&enough.stderr));
        return;
    }
    stdout(&enough);
    for (options, words) in [
        ("size=2m", ["needs 3 MB free", "make room"]),
        // Room for bytes, but not for so many files.
        ("size=20m,nr_inodes=10", ["the disk of", "is full"]),
    ] {
        let output = import(options);
        assert_refused(&output, &words);
        assert_eq!(lossy(&output.stderr).lines().count(), 1, "{}", lossy(&output.stderr));
        assert_eq!(lossy(&output.stdout), "", "{options}: something is left");
    }
}
