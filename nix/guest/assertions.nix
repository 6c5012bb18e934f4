# What cannot work in a guest is refused here, in one line each, rather than ignored.
{ config, lib, pkgs, ... }:

let
  cfg = config.qvm.guest;
  missing = lib.filter (name: !(pkgs ? ${name})) cfg.agents;
  misnamed = lib.filter (name: builtins.match "[^=]+" name == null) (lib.attrNames cfg.env);
  paths = lib.filter (name: builtins.match "[^ /\n]+" name == null) (lib.attrNames cfg.setuid);
  inherit (pkgs.stdenv) hostPlatform;
in
{
  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = hostPlatform.isLinux && (hostPlatform.isx86_64 || hostPlatform.isAarch64);
        message = "qvm.guest: there are no machines for ${hostPlatform.system}, only for x86_64-linux and aarch64-linux";
      }
      {
        assertion = missing == [ ];
        message = "qvm.guest.agents: this nixpkgs has no ${lib.concatStringsSep ", " missing}; take a newer one, or leave it to qvm's own layer (qvm --with)";
      }
      {
        assertion = misnamed == [ ];
        message = "qvm.guest.env: no variable can have the name ${builtins.toJSON misnamed}";
      }
      {
        assertion = paths == [ ];
        message = "qvm.guest.setuid: the name of a program has neither slashes nor spaces: ${builtins.toJSON paths}";
      }
      {
        assertion = config.boot.isContainer;
        message = "qvm.guest: boot.isContainer has to stay true; the kernel is qvm.guest.kernel";
      }
      {
        assertion = config.fileSystems == { } && config.swapDevices == [ ];
        message = "qvm.guest: fileSystems and swapDevices have no effect in a guest; folders come with qvm -v";
      }
      {
        assertion = config.networking.interfaces == { } && !config.networking.networkmanager.enable;
        message = "qvm.guest: a guest has no network interface to configure; ports come with qvm -p";
      }
      {
        assertion = !config.services.openssh.enable || cfg.systemd;
        message = "qvm.guest: services such as openssh need qvm.guest.systemd = true";
      }
    ];
  };
}
