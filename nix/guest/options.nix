{ config, lib, pkgs, ... }:

let
  inherit (lib) mkOption types;
  absolute = types.strMatching "/[^\n]*";
in
{
  options.qvm.guest = {
    enable = lib.mkEnableOption "the image of a qvm guest, in `system.build.qvmImage`";

    packages = mkOption {
      type = types.listOf types.package;
      default = with pkgs; [
        bubblewrap
        curl
        fd
        file
        gcc
        git
        gnumake
        jq
        nodejs
        openssh
        patch
        procps
        psmisc
        python3
        ripgrep
        rsync
        socat
        tree
        unzip
        zip
      ];
      defaultText = lib.literalMD "what coding agents call: git, ripgrep, jq, curl, gcc, python3, nodejs, bubblewrap, socat, …";
      example = lib.literalExpression "with pkgs; [ git ripgrep cargo rustc ]";
      description = ''
        Programs of the guest, in place of the default ones. A machine has no network, so what is
        not in its image cannot be fetched. {option}`environment.systemPackages` adds to them.
      '';
    };

    agents = mkOption {
      type = types.listOf (types.enum [ "claude-code" "codex" "opencode" ]);
      default = [ ];
      example = [ "claude-code" ];
      description = ''
        Coding agents of nixpkgs to put into the image. Without any the agents come as a layer that
        qvm lays over the root, in the versions it was tested with (`qvm --with`); with one here,
        run with `--with none`. Claude Code is not free software, so it needs
        {option}`nixpkgs.config.allowUnfreePredicate`.
      '';
    };

    systemd = mkOption {
      type = types.bool;
      default = false;
      description = ''
        Whether systemd runs in the guest, under qvm's agent: as first process of a PID namespace,
        in which commands run, too. Only then services, timers and tmpfiles of this configuration
        have an effect. Without it the first command starts sooner.
      '';
    };

    shell = mkOption {
      type = absolute;
      default = "/run/current-system/sw/bin/bash";
      example = "/run/current-system/sw/bin/fish";
      description = "The caller's login shell, which a run without a command opens.";
    };

    env = mkOption {
      type = types.attrsOf types.str;
      default = { };
      example = { RUST_BACKTRACE = "1"; };
      description = ''
        Variables of all commands, beside those of {option}`environment.variables` that need no
        shell to be computed. What `qvm -e` says comes after.
      '';
    };

    activation = mkOption {
      type = types.lines;
      default = "";
      example = "install -d -m 1777 /srv/scratch";
      description = ''
        Shell commands run by root at each start, before the first command. Their failure ends the
        machine. NixOS's own {option}`system.activationScripts` are not run: what they would make is
        in the image.
      '';
    };

    setuid = mkOption {
      type = types.attrsOf types.path;
      default = {
        newuidmap = "${pkgs.shadow}/bin/newuidmap";
        newgidmap = "${pkgs.shadow}/bin/newgidmap";
      };
      defaultText = lib.literalExpression ''
        {
          newuidmap = "''${pkgs.shadow}/bin/newuidmap";
          newgidmap = "''${pkgs.shadow}/bin/newgidmap";
        }
      '';
      example = lib.literalExpression ''{ fusermount3 = "''${pkgs.fuse3}/bin/fusermount3"; }'';
      description = ''
        Programs that are copied to {file}`/run/wrappers/bin`, by name, with owner root and the
        set-user-id bit. The default ones are those that containers of an ordinary user need;
        {option}`security.wrappers` has no effect in a guest.
      '';
    };

    kernel = mkOption {
      type = types.nullOr types.package;
      default = pkgs.callPackage ../kernel.nix { };
      defaultText = lib.literalMD "the microVM kernel, from nixpkgs' sources";
      description = ''
        Kernel that the image brings: a package with {file}`vmlinux`, {file}`config` and
        `passthru.release`. With `null` qvm takes one of its own.
      '';
    };

    compression = mkOption {
      type = types.strMatching "none|lz4|lz4hc(,[0-9]+)?";
      default = "lz4";
      example = "lz4hc,9";
      description = ''
        Compression of the image, as {command}`mkfs.erofs -z` takes it. `lz4hc` makes it a tenth
        smaller and takes much longer to build; both are read at the same speed.
      '';
    };
  };

  config = lib.mkIf config.qvm.guest.enable {
    environment.systemPackages = config.qvm.guest.packages
      # An absent one is reported by an assertion.
      ++ lib.concatMap (name: lib.optional (pkgs ? ${name}) pkgs.${name}) config.qvm.guest.agents;
  };
}
