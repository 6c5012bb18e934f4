# `nix develop`: what ./scripts/build and ./scripts/test use.
{ lib, mkShell, stdenv, nixpkgs
, cargo, rustc, clippy, rustfmt, cargo-nextest, cargo-deny
, shellcheck, jq, git, procps, curl
, erofs-utils, mmdebstrap, fakeroot, xz, zstd, nodejs, qemu_kvm
}:

mkShell {
  packages = [
    cargo rustc clippy rustfmt cargo-nextest cargo-deny
    jq git procps curl
    erofs-utils mmdebstrap fakeroot xz zstd nodejs qemu_kvm
  ]
  # It is written in Haskell, whose packages not every copy of nixpkgs has.
  ++ lib.optional
    (builtins.pathExists (nixpkgs + "/pkgs/development/haskell-modules/hackage-packages.nix"))
    shellcheck;
  buildInputs = [ (lib.getOutput "static" stdenv.cc.libc) ];
}
