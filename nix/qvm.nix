# A program of the workspace, static: `qvm` runs on any Linux, the agent where nothing is mounted
# yet. As ./scripts/build makes them (docs/decisions/0012-static-glibc.md).
{ lib, stdenv, rustPlatform, crate ? "qvm" }:

let
  manifest = lib.importTOML ../Cargo.toml;
  # What cargo reads: the workspace's manifest and lock, and the folders of its members.
  folders = map (member: lib.head (lib.splitString "/" member)) manifest.workspace.members;
  entries = [ "Cargo.toml" "Cargo.lock" "src" ] ++ lib.remove "." folders;
  isSource = path: lib.elem (lib.head (lib.splitString "/" path)) entries;
in
rustPlatform.buildRustPackage {
  pname = crate;
  version = manifest.workspace.package.version;

  src = lib.cleanSourceWith {
    name = "qvm-source";
    src = ../.;
    filter = path: _: isSource (lib.removePrefix (toString ../. + "/") path);
  };
  passthru = { inherit isSource; };
  cargoLock.lockFile = ../Cargo.lock;
  cargoBuildFlags = [ "--package" crate ];

  # buildRustPackage names the target, so that these are not for build scripts and macros.
  env.RUSTFLAGS = "-C target-feature=+crt-static";
  buildInputs = [ (lib.getOutput "static" stdenv.cc.libc) ];

  # They start machines and make name spaces, which the builder's own sandbox forbids; they are
  # run by ./scripts/test.
  doCheck = false;

  meta = {
    description =
      if crate == "qvm" then manifest.package.description else "PID 1 of qvm's guests";
    license = lib.licenses.asl20;
    mainProgram = crate;
    platforms = [ "x86_64-linux" "aarch64-linux" ];
  };
}
