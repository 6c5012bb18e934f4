# The programs, the command that `nix run` gives, and what a Mac gets.
{ self, pkgs, lib, nixpkgs, all, equal, contains, isEmpty, isTrue, refused, matches, ... }:

let
  packages = self.packages.${pkgs.stdenv.hostPlatform.system};
  program = package: all [
    (equal "-C target-feature=+crt-static" package.RUSTFLAGS)
    (isTrue "libc.a is there" (lib.elem (lib.getOutput "static" pkgs.stdenv.cc.libc) package.buildInputs))
    (equal (lib.importTOML ../../Cargo.toml).workspace.package.version package.version)
  ];
  inherit (packages.qvm) isSource;
  command = packages.default.buildCommand;
  mac = "aarch64-darwin";
  released = import ../images.nix;
  entry = { url = "https://example.org/image.tar"; sha256 = lib.fakeHash; digest = lib.concatStrings (lib.genList (_: "0") 64); };
  fetched = image: nixpkgs.legacyPackages.${mac}.callPackage ../fetched-image.nix { inherit image; };
in
{
  "qvm is static, and what ./scripts/build makes" = program packages.qvm;
  "so is the agent" = program packages.guest-agent;
  "each is built alone" = all [
    (equal [ "--package" "qvm" ] packages.qvm.cargoBuildFlags)
    (equal [ "--package" "guest-agent" ] packages.guest-agent.cargoBuildFlags)
  ];
  "all members of the workspace are in the sources" = isEmpty
    (lib.filter (member: !isSource (if member == "." then "src" else member))
      (lib.importTOML ../../Cargo.toml).workspace.members);
  "and what the crates include" = isEmpty (lib.filter (file: !isSource file)
    [ "Cargo.toml" "Cargo.lock" "guest-image/debian/customize.sh" "guest-image/agents/llm.txt" "src/main.rs" ]);
  "nothing else is: a change there builds nothing anew" = isEmpty (lib.filter isSource
    [ "nix" "docs/models.md" "scripts/test" "flake.nix" "README.md" "target/qvm/qvm" ".git/HEAD" ]);
  "every crate is pinned by the lock file" = isTrue "checksums" (lib.all
    (package: package ? checksum || !(package ? source))
    (lib.importTOML ../../Cargo.lock).package);
  "the command knows its agent and this flake" = all [
    (contains "--set-default QVM_AGENT ${packages.guest-agent}/bin/guest-agent" command)
    (contains "--set-default QVM_NIXOS_FLAKE ${self.outPath}" command)
    (isTrue "the flake is there" (builtins.pathExists (self.outPath + "/flake.nix")))
  ];
  "and finds Nix, QEMU and mkfs.erofs" = all (map
    (package: contains (lib.makeBinPath [ package ]) command)
    [ pkgs.nix pkgs.qemu_kvm pkgs.erofs-utils ]);
  "nix run gives the command" = equal "${packages.default}/bin/qvm" self.apps.${pkgs.stdenv.hostPlatform.system}.default.program;
  "the image of packages is that of nixosConfigurations" = equal
    self.nixosConfigurations."guest-${pkgs.stdenv.hostPlatform.system}".config.system.build.qvmImage.drvPath
    packages.guest-image.drvPath;

  "a Mac is told that no image is released" =
    if released ? ${mac} then null else refused self.legacyPackages.${mac}.guest-image;
  "and no flake check stumbles over it" = isTrue "not among packages"
    (released ? ${mac} || !(self.packages.${mac} ? guest-image));
  "a released image would be fetched, not built" = all [
    (equal [ entry.url ] (lib.toList (fetched entry).urls))
    (equal mac (fetched entry).system)
    (contains "${entry.digest}  $out/manifest.json" (fetched entry).postFetch)
  ];
  "an image without a proper digest is refused" = refused (fetched (entry // { digest = "abc"; })).drvPath;
  "the formatter is there for all" = all (map
    (system: matches "/nix/store/.*" self.formatter.${system}.drvPath)
    [ "x86_64-linux" "aarch64-linux" mac ]);
}
