# NixOS module `programs.qvm`: what a host needs to run qvm's machines.
{ self }:
{ config, lib, pkgs, ... }:

let
  cfg = config.programs.qvm;
  inherit (lib) mkOption types;
  serve = import ./serve.nix { inherit lib; inherit (cfg) package; inherit (cfg.serve) model server; };
in
{
  options.programs.qvm = {
    enable = lib.mkEnableOption "qvm, which runs a command in a throwaway microVM";

    package = mkOption {
      type = types.package;
      default = self.packages.${pkgs.stdenv.hostPlatform.system}.default;
      defaultText = lib.literalMD "the flake's `default` package";
      description = "The package with the command `qvm`.";
    };

    users = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "alice" ];
      description = ''
        Users who join the group `kvm`. NixOS lets everybody open {file}`/dev/kvm`; this matters
        where a udev rule was made stricter.
      '';
    };

    serve = import ./serve-options.nix { inherit lib pkgs; };
  };

  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = config.security.allowUserNamespaces;
        message = "programs.qvm: qvm confines its processes by user namespaces; security.allowUserNamespaces has to be true";
      }
      {
        assertion = (config.boot.kernelPackages.kernel.isHardened or false) -> config.security.unprivilegedUsernsClone;
        message = "programs.qvm: with a hardened kernel security.unprivilegedUsernsClone has to be true";
      }
    ];

    environment.systemPackages = [ cfg.package ];
    users.groups.kvm.members = cfg.users;

    systemd.user.services = lib.mkIf cfg.serve.enable {
      qvm-serve = {
        unitConfig = serve.unit;
        serviceConfig = serve.service;
        wantedBy = [ serve.target ];
        # A model takes long to load; a new configuration is taken at the next log-in.
        restartIfChanged = false;
      };
    };
  };
}
