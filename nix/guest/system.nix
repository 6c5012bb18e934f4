# What a guest is, whoever starts it: no hardware, no network, no boot loader, no log-in.
{ config, lib, pkgs, ... }:

let
  inherit (lib) mkDefault mkForce;
in
{
  config = lib.mkIf config.qvm.guest.enable {
    # NixOS's word for a system that neither brings a kernel nor starts a machine.
    boot.isContainer = true;
    console.enable = false;

    # The agent brings up the loopback; ports of the host arrive there.
    networking = {
      useDHCP = false;
      firewall.enable = false;
      useHostResolvConf = false;
      resolvconf.enable = false;
    };

    # Files are enough. A daemon for names would be one more to wait for.
    services.nscd.enable = false;
    system.nssModules = mkForce [ ];

    # Set-user-id programs are a way up that no agent needs; see qvm.guest.setuid.
    security.sudo.enable = mkDefault false;

    # The loader where programs of other distributions look for it, such as the agents that qvm
    # lays over the root.
    environment.stub-ld.enable = mkDefault false;
    environment.ldso = mkDefault (lib.concatStrings [
      "${lib.getLib pkgs.stdenv.cc.libc}/lib/"
      (builtins.unsafeDiscardStringContext (baseNameOf pkgs.stdenv.cc.bintools.dynamicLinker))
    ]);

    # Those of the layer, also in a login shell.
    environment.extraInit = lib.mkAfter ''
      export PATH="$PATH:/usr/local/bin"
    '';

    # A development shell that `qvm --flake` lays over the root.
    environment.loginShellInit = ''
      if [ -r /etc/profile.d/qvm-dev-env.sh ]; then
        . /etc/profile.d/qvm-dev-env.sh
      fi
    '';

    # One user, whose store it is: see build-image.sh.
    environment.variables.NIX_REMOTE = mkForce "";
    nix = {
      settings.experimental-features = [ "nix-command" "flakes" ];
      channel.enable = mkDefault false;
    };
    # Else the image would have all of nixpkgs' sources in it.
    nixpkgs.flake = {
      setNixPath = mkDefault false;
      setFlakeRegistry = mkDefault false;
    };

    # A small closure is a small image.
    boot.bcache.enable = mkDefault false;
    boot.enableContainers = mkDefault false;
    system.disableInstallerTools = mkDefault true;
    documentation.enable = mkDefault false;
    environment.defaultPackages = mkDefault [ ];
    fonts.fontconfig.enable = mkDefault false;
    programs.command-not-found.enable = mkDefault false;
    xdg = {
      autostart.enable = mkDefault false;
      icons.enable = mkDefault false;
      mime.enable = mkDefault false;
      sounds.enable = mkDefault false;
    };
  };
}
