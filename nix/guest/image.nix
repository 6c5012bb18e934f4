# `system.build.qvmImage`: the system's closure, and what NixOS would make of it at each start,
# made once. See build-image.sh for what ends up where.
{ config, lib, pkgs, utils, ... }:

let
  cfg = config.qvm.guest;
  inherit (pkgs.stdenv) hostPlatform;
  databases = import ../users.nix { inherit lib config utils; };

  # What /run/current-system is; not NixOS's toplevel, whose closure has Perl for its activation.
  system = pkgs.runCommand "qvm-guest-system" { preferLocalBuild = true; } ''
    mkdir $out
    ln -s ${config.system.path} $out/sw
    ln -s ${config.system.build.etc}/etc $out/etc
    echo -n ${lib.escapeShellArg config.system.nixos.label} >$out/nixos-version
    ${lib.optionalString cfg.systemd "ln -s ${config.systemd.package} $out/systemd"}
  '';

  activate = pkgs.writeScript "qvm-guest-activate" ''
    #!${pkgs.runtimeShell}
    set -eu
    export PATH=${lib.makeBinPath [ pkgs.coreutils pkgs.util-linux ]}
    ${cfg.activation}
  '';

  # Those that are values as they stand; the others are for shells only.
  variables = lib.filterAttrs (_: value: value != "" && !lib.hasInfix "$" value)
    config.environment.variables;

  guest = {
    path = "/run/wrappers/bin:/usr/local/bin:/run/current-system/sw/bin:/usr/bin:/bin";
    inherit (cfg) shell;
    env = {
      TERMINFO_DIRS = "/run/current-system/sw/share/terminfo";
      XDG_DATA_DIRS = "/run/current-system/sw/share";
    } // variables // cfg.env;
    links = {
      "/run/current-system" = "${system}";
      "/run/wrappers" = "/usr/libexec/wrappers";
    };
  }
  // lib.optionalAttrs (cfg.activation != "") { activate = [ "${activate}" ]; }
  // lib.optionalAttrs cfg.systemd { systemd = "${config.systemd.package}/lib/systemd/systemd"; };

  # Where a loader is looked for: /lib64/ld-linux-x86-64.so.2, /lib/ld-linux-aarch64.so.1.
  loader = "/${hostPlatform.libDir}/${builtins.unsafeDiscardStringContext (baseNameOf pkgs.stdenv.cc.bintools.dynamicLinker)}";

  package = drv: { name = lib.getName drv; version = lib.getVersion drv; };

  image = pkgs.callPackage ../image.nix {
    etc = "${config.system.build.etc}/etc";
    databases = { inherit (databases) passwd group shadow; };
    inherit guest;
    links = { "/bin/sh" = config.environment.binsh; }
      // lib.optionalAttrs (config.environment.usrbinenv != null) { "/usr/bin/env" = config.environment.usrbinenv; }
      // lib.optionalAttrs (config.environment.ldso != null) { ${loader} = config.environment.ldso; };
    inherit (cfg) setuid kernel compression;
    packages = lib.sort (a: b: a.name < b.name)
      (lib.unique (map package config.environment.systemPackages));
    withNix = config.nix.enable;
  };

  failed = map (entry: entry.message) (lib.filter (entry: !entry.assertion) config.assertions);
in
{
  config = lib.mkIf cfg.enable {
    system.build.qvmGuestSystem = system;
    system.build.qvmImage =
      if failed == [ ] then lib.showWarnings config.warnings image
      else throw "\nFailed assertions:\n${lib.concatMapStrings (message: "- ${message}\n") failed}";
  };
}
