# A program of the workspace, static: `qvm` runs on any Linux, the agent where nothing is mounted
# yet. As ./scripts/build makes them (docs/decisions/0012-static-glibc.md).
{ lib, stdenv, rustPlatform, crate ? "qvm" }:

let
  manifest = lib.importTOML ../Cargo.toml;
  members = map (member: ../. + "/${member}") (lib.remove "." manifest.workspace.members);
  sources = lib.fileset.unions ([ ../Cargo.toml ../Cargo.lock ../src ../guest-image ] ++ members);
in
rustPlatform.buildRustPackage {
  pname = crate;
  version = manifest.workspace.package.version;

  src = lib.fileset.toSource {
    root = ../.;
    fileset = sources;
  };
  passthru = { inherit sources; };
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
