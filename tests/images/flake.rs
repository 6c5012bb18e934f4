//! What Nix makes for a machine: a development shell, and a whole image (A27).

use std::fs;

use e2e::{closure::nixos, lossy, stdout};

use crate::nix::{Place, hello};

/// A shell whose PATH has a program of the store, with one path beside it that nothing needs.
const SHELL: &str = r#"
  packages.SYSTEM.unneeded = make "unneeded-1" "echo secret > $out";
  devShells.SYSTEM.default =
    let
      data = make "data-1" "echo from a path that hello needs > $out";
      hello = make "hello-1" "mkdir -p $out/bin; cp ${./hello} $out/bin/hello; ln -s ${data} $out/data";
    in derivation {
      name = "shell"; system = "SYSTEM"; builder = "/bin/bash"; outputs = [ "out" ];
      PATH = "${hello}/bin:/bin:/usr/bin"; GREETING = "one"; HOME = "/homeless-shelter";
      shellHook = "export HOOKED=yes";
    };
"#;

#[test]
fn a_flakes_shell_is_in_the_guest_and_follows_its_files() {
    let Some(place) = Place::new() else { return };
    let dir = place.flake("flake", SHELL);
    hello(&dir);
    let flake = dir.display().to_string();
    place.nix(&["build", "--no-link", &format!("{flake}#unneeded")]).unwrap();
    place.nix(&["print-dev-env", &flake]).unwrap();
    let options = ["--flake", flake.as_str(), "-e", "MINE=1"];

    let script = "set -eu
        hello
        cat \"$(dirname \"$(command -v hello)\")/../data\"
        echo greeting $GREETING $HOME ${TMPDIR-none} ${out-none}
        echo path $PATH
        echo store $(ls /nix/store | cut -c34- | sort)
        echo owner $(stat -c %u:%g:%Y /nix/store/*-hello-1/bin/hello)
        echo login $(bash -lc 'hello; echo $HOOKED')
        touch /nix/store/x";
    let said = stdout(&place.run(&options, &["sh", "-c", script]));
    let home = place.at("home").display().to_string();
    let account = std::env::var("HOME").unwrap();
    for line in [
        "hello from the store",
        "from a path that hello needs",
        "store data-1 hello-1",
        "owner 0:0:1",
        "login hello from the store yes",
    ] {
        assert!(said.lines().any(|said| said == line), "{line:?} is not in {said}");
    }
    let greeting = [&home, &account].map(|home| format!("greeting one {home} none none"));
    assert!(greeting.iter().any(|line| said.contains(line)), "{said}");
    let path = said.lines().find_map(|line| line.strip_prefix("path ")).unwrap();
    let (first, own) = path.split_once(':').unwrap();
    assert!(first.starts_with("/nix/store/") && first.ends_with("-hello-1/bin"), "{path}");
    assert!(own.contains("/usr/bin") && !own.contains("/nix"), "{path}");

    // As it was: nothing is computed. Changed: it is.
    let dry = stdout(&place.run(&[&options[..], &["--dry-run"]].concat(), &["true"]));
    assert!(dry.contains(&format!("flake        {flake}, whose development shell")), "{dry}");
    let origins = || {
        let dir = fs::read_dir(place.cache.join("origins")).unwrap().flatten();
        dir.map(|entry| fs::read_to_string(entry.path()).unwrap()).collect::<String>()
    };
    let before = origins();
    let text = fs::read_to_string(dir.join("flake.nix")).unwrap();
    fs::write(dir.join("flake.nix"), text.replace("\"one\"", "\"two\"")).unwrap();
    place.nix(&["print-dev-env", &flake]).unwrap();
    let said = stdout(&place.run(&options, &["sh", "-c", "echo $GREETING $MINE; hello"]));
    assert_eq!(said, "two 1\nhello from the store\n");
    assert_ne!(origins(), before);
    // The flake's folder is as it was: no lock file.
    assert!(!dir.join("flake.lock").exists());
    assert_eq!(fs::read_dir(place.cache.join("nix")).unwrap().count(), 0);
}

#[test]
fn a_flakes_image_boots_and_goes_to_another_cache_by_its_digest() {
    let Some(place) = Place::new() else { return };
    let (root, _) = nixos(&place.at("nixos"));
    let made = root.image();
    let dir = place.flake(
        "flake",
        r#"packages.SYSTEM.guest-image = make "guest-image" "mkdir $out; cp -r ${./image}/. $out";"#,
    );
    fs::rename(&made, dir.join("image")).unwrap();
    let flake = dir.display().to_string();

    place.nix(&["build", "--no-link", &format!("{flake}#guest-image")]).unwrap();

    // `nixos` is whatever flake the environment names.
    let nixos = |words: &[&str]| {
        let mut command = place.scene.qvm();
        command.args(words);
        place.environment(&mut command).env("QVM_NIXOS_FLAKE", &flake).output().unwrap()
    };
    let dry = stdout(&nixos(&["--image", "nixos", "--dry-run", "--", "true"]));
    assert!(
        dry.contains(&format!("built by Nix from {flake}#guest-image, which was not")),
        "{dry}"
    );
    let script = "readlink /run/current-system; echo $PATH";
    let said = stdout(&nixos(&["--image", "nixos", "--", "sh", "-c", script]));
    assert!(said.contains("-nixos-system\n/run/wrappers/bin:"), "{said}");
    let digest = crate::nix::sha256(&dir.join("image/manifest.json"));
    let dry = stdout(&nixos(&["--image", "nixos", "--dry-run", "--", "true"]));
    assert!(dry.contains(&format!("{digest} by {flake}#guest-image")), "{dry}");
    let listed = stdout(&place.qvm(&["image", "ls"]));
    let line = listed.lines().find(|line| line.starts_with(&digest[..12])).unwrap();
    assert!(
        line.contains(&format!("flake:{flake}#guest-image")) && line.ends_with("(nixos)"),
        "{line}"
    );

    // Not even a Nix is needed where the image was imported.
    let file = place.at("image.tar").display().to_string();
    let pin = stdout(&place.qvm(&["image", "export", "nixos", &file]));
    assert_eq!(pin, format!("sha256:{digest}\n"));
    stdout(&place.qvm(&["image", "rm", "nixos"]));
    let gone = place.qvm(&["image", "path", "nixos"]);
    assert_eq!(gone.status.code(), Some(125), "{}", lossy(&gone.stdout));
    stdout(&place.qvm(&[
        "image",
        "import",
        "-q",
        &file,
        "--digest",
        pin.trim(),
        "--name",
        "nixos",
    ]));
    let said =
        stdout(&place.run(&["--image", "nixos"], &["sh", "-c", "echo /nix/store/*-nixos-system"]));
    assert!(said.ends_with("-nixos-system\n"), "{said}");
}
