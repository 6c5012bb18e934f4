# The home-manager module, with stand-ins for the options of home-manager that it sets.
{ self, pkgs, lib, equal, all, contains, refused, isTrue, ... }:

let
  anything = lib.mkOption { type = lib.types.attrsOf (lib.types.attrsOf lib.types.anything); default = { }; };
  home = settings: (lib.evalModules {
    modules = [
      self.homeModules.default
      {
        options = {
          home.packages = lib.mkOption { type = lib.types.listOf lib.types.package; default = [ ]; };
          xdg.configFile = lib.mkOption {
            type = lib.types.attrsOf (lib.types.submodule { options.source = lib.mkOption { type = lib.types.path; }; });
            default = { };
          };
          systemd.user.services = anything;
        };
        config = { _module.args = { inherit pkgs; }; programs.qvm = settings; };
      }
    ];
  }).config;

  plain = home { enable = true; };
  full = home {
    enable = true;
    settings = { memory = "8g"; cpus = 4; };
    models = { default = "qwen"; models.qwen.model = "ORG/REPO:FILE.gguf"; };
    serve.enable = true;
  };
  package = self.packages.${pkgs.stdenv.hostPlatform.system}.default;
  service = full.systemd.user.services.qvm-serve;
in
{
  "the command is installed" = equal [ package ] plain.home.packages;
  "nothing else unless asked for" = all [
    (equal { } plain.xdg.configFile)
    (equal { } plain.systemd.user.services)
  ];
  "not enabled, nothing at all" = equal [ ] (home { }).home.packages;
  "settings become config.toml" =
    contains ''{"cpus":4,"memory":"8g"}'' full.xdg.configFile."qvm/config.toml".source.value;
  "models become models.toml" =
    contains ''"models":{"qwen":{"model":"ORG/REPO:FILE.gguf"}}'' full.xdg.configFile."qvm/models.toml".source.value;
  "the service has home-manager's three sections" = equal [ "Install" "Service" "Unit" ] (lib.attrNames service);
  "it starts what is installed" = equal "${package}/bin/qvm serve" service.Service.ExecStart;
  "for users who have a model" = equal "%E/qvm/models.toml" service.Unit.ConditionPathExists;
  "with the user's session" = equal [ "default.target" ] service.Install.WantedBy;
  "the same module by its older name" = isTrue "the same" (self.homeManagerModules ? default);
  "types: settings" = refused (home { enable = true; settings = "8g"; }).programs.qvm.settings;
  "types: what TOML cannot say" = refused (home { enable = true; settings.memory = x: x; }).programs.qvm.settings;
}
