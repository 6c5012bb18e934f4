# home-manager module `programs.qvm`: the command, its two files, and the model server.
{ self }:
{ config, lib, pkgs, ... }:

let
  cfg = config.programs.qvm;
  inherit (lib) mkOption types;
  toml = pkgs.formats.toml { };
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

    settings = mkOption {
      type = types.attrsOf toml.type;
      default = { };
      example = { memory = "8g"; cpus = 4; image = "nixos"; };
      description = "Content of {file}`~/.config/qvm/config.toml`: defaults of qvm's options.";
    };

    models = mkOption {
      type = types.attrsOf toml.type;
      default = { };
      example = {
        default = "qwen";
        models.qwen = { model = "ORG/REPO:FILE.gguf"; context = "64k"; };
      };
      description = ''
        Content of {file}`~/.config/qvm/models.toml`. With any, `qvm models add` and the like cannot
        change the file.
      '';
    };

    serve = import ./serve-options.nix { inherit lib pkgs; };
  };

  config = lib.mkIf cfg.enable {
    home.packages = [ cfg.package ];

    xdg.configFile = {
      "qvm/config.toml" = lib.mkIf (cfg.settings != { }) {
        source = toml.generate "qvm-config.toml" cfg.settings;
      };
      "qvm/models.toml" = lib.mkIf (cfg.models != { }) {
        source = toml.generate "qvm-models.toml" cfg.models;
      };
    };

    systemd.user.services = lib.mkIf cfg.serve.enable {
      qvm-serve = {
        Unit = serve.unit;
        Service = serve.service;
        Install.WantedBy = [ serve.target ];
      };
    };
  };
}
