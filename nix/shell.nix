# `nix develop`: what ./scripts/build and ./scripts/test use.
{ lib, mkShell, stdenv, nixpkgs
, cargo, rustc, clippy, rustfmt, cargo-nextest, cargo-deny
, shellcheck, jq, git, procps, curl
, erofs-utils, fakeroot, xz, zstd, nodejs, qemu_kvm
  # Older nixpkgs have none.
, mmdebstrap ? null
}:

mkShell {
  packages = [
    cargo rustc clippy rustfmt cargo-nextest cargo-deny
    jq git procps curl
    erofs-utils fakeroot xz zstd nodejs qemu_kvm
  ]
  ++ lib.optional (mmdebstrap != null) mmdebstrap
  # It is written in Haskell, whose packages not every copy of nixpkgs has.
  ++ lib.optional
    (builtins.pathExists (nixpkgs + "/pkgs/development/haskell-modules/hackage-packages.nix"))
    shellcheck;
  buildInputs = [ (lib.getOutput "static" stdenv.cc.libc) ];
}
