# Options of the model server, the same for a NixOS host and for home-manager.
{ lib, pkgs }:

let
  inherit (lib) mkOption types;
in
{
  enable = lib.mkEnableOption ''
    the model server as a service of each user. Without it the first machine that wants a model
    starts the server, and it ends five minutes after the last one'';

  model = mkOption {
    # One word for systemd, which knows quotes, variables and specifiers, and no option for qvm.
    type = types.nullOr (types.strMatching "[^-[:space:]\"'\\%$;][^[:space:]\"'\\%$]*");
    default = null;
    example = "qwen";
    description = ''
      The model to load: an id of models.toml, a GGUF file or a repository, as `qvm serve` takes it.
      With `null` the default one of models.toml; users without that file have no service.
    '';
  };

  server = mkOption {
    type = types.nullOr types.path;
    default = "${pkgs.llama-cpp}/bin/llama-server";
    defaultText = lib.literalExpression ''"''${pkgs.llama-cpp}/bin/llama-server"'';
    example = lib.literalExpression ''"''${pkgs.llama-cpp.override { vulkanSupport = true; }}/bin/llama-server"'';
    description = ''
      The program that serves. With `null` the one that models.toml names, or qvm finds.
    '';
  };
}
