# The flake's outputs. README.md beside this file says what they are for.
{ self, nixpkgs }:

let
  inherit (nixpkgs) lib;

  linux = [ "x86_64-linux" "aarch64-linux" ];
  mac = [ "aarch64-darwin" ];
  on = systems: make: lib.genAttrs systems (system: make nixpkgs.legacyPackages.${system});

  # The guest that `qvm --image nixos` boots: the module with its defaults.
  guest = system: nixpkgs.lib.nixosSystem {
    modules = [
      self.nixosModules.guest
      ({ pkgs, ... }: {
        nixpkgs.hostPlatform = system;
        # Claude Code is the one program in it that is not free software.
        nixpkgs.config.allowUnfreePredicate = package: lib.getName package == "claude-code";
        qvm.guest = {
          enable = true;
          # Older nixpkgs have none; then it comes as qvm's own layer.
          agents = lib.optional (pkgs ? claude-code) "claude-code";
        };
        system.stateVersion = lib.trivial.release;
      })
    ];
  };

  programs = pkgs: lib.fix (own: {
    qvm = pkgs.callPackage ./qvm.nix { };
    guest-agent = pkgs.callPackage ./qvm.nix { crate = "guest-agent"; };
    kernel = pkgs.callPackage ./kernel.nix { };
    guest-image = self.nixosConfigurations."guest-${pkgs.stdenv.hostPlatform.system}".config.system.build.qvmImage;
    default = pkgs.callPackage ./command.nix {
      inherit (own) qvm guest-agent;
      flake = self.outPath;
    };
  });

  images = import ./images.nix;
in
{
  packages = on linux programs // on mac (pkgs:
    lib.optionalAttrs (images ? ${pkgs.stdenv.hostPlatform.system}) {
      guest-image = pkgs.callPackage ./fetched-image.nix { image = images.${pkgs.stdenv.hostPlatform.system}; };
    });

  # Where `nix build` looks next, and `nix flake check` does not: what a Mac cannot have yet.
  legacyPackages = on mac (pkgs: {
    guest-image = throw ("qvm: no guest image for ${pkgs.stdenv.hostPlatform.system} has been released yet"
      + " (nix/images.nix has none); build packages.aarch64-linux.guest-image on Linux");
    default = throw "qvm: no virtual machine monitor for ${pkgs.stdenv.hostPlatform.system} yet; qvm runs on Linux";
  });

  apps = on linux (pkgs: {
    default = {
      type = "app";
      program = lib.getExe self.packages.${pkgs.stdenv.hostPlatform.system}.default;
    };
  });

  nixosModules = {
    guest = import ./guest.nix;
    host = import ./host.nix { inherit self; };
    default = self.nixosModules.host;
  };

  homeModules.default = import ./home.nix { inherit self; };
  # The older name of the same.
  homeManagerModules = self.homeModules;

  nixosConfigurations = lib.listToAttrs
    (map (system: lib.nameValuePair "guest-${system}" (guest system)) linux);

  checks = on linux (pkgs: import ./checks { inherit nixpkgs self pkgs; });

  devShells = on linux (pkgs: { default = pkgs.callPackage ./shell.nix { inherit nixpkgs; }; });

  formatter = on (linux ++ mac) (pkgs: pkgs.alejandra);
}
