# For the checks: systems to look at, and ways to say what is wrong with them.
{ nixpkgs, self, pkgs, lib }:

let
  shown = value: lib.generators.toPretty { multiline = false; } value;
  # Patterns must not refer to the store.
  bare = builtins.unsafeDiscardStringContext;
  has = part: text: lib.hasInfix (bare part) (bare text);
  unless = condition: complaint: if condition then null else complaint;
in
rec {
  inherit nixpkgs self pkgs lib;

  # A NixOS system with this module.
  nixos = module: (nixpkgs.lib.nixosSystem {
    modules = [
      module
      { nixpkgs.hostPlatform = pkgs.stdenv.hostPlatform.system; system.stateVersion = lib.trivial.release; }
    ];
  }).config;

  # A guest, with this on top.
  guest = module: nixos {
    imports = [ self.nixosModules.guest module ];
    qvm.guest.enable = true;
  };

  # A machine that qvm runs on, as far as NixOS insists.
  host = module: nixos {
    imports = [ self.nixosModules.host module ];
    programs.qvm.enable = true;
    boot.loader.grub.enable = false;
    fileSystems."/".device = "nodev";
  };

  isTrue = what: value: unless (value == true) "not true: ${what}";
  equal = wanted: found: unless (wanted == found) "wanted ${shown wanted}, found ${shown found}";
  contains = part: text: unless (has part text) "no ${shown part} in ${shown text}";
  lacks = part: text: unless (!has part text) "${shown part} in ${shown text}";
  matches = regex: text: unless (builtins.match (bare regex) text != null) "${shown text} does not match ${regex}";
  isEmpty = list: unless (list == [ ]) "not empty: ${shown list}";

  # The first that is wrong.
  all = results: lib.findFirst (result: result != null) null results;

  # A value that no option takes; deep, as merging is lazy.
  refused = value: unless (!(builtins.tryEval (builtins.deepSeq value value)).success) "accepted: ${shown value}";

  # A system whose evaluation ends with exactly this complaint.
  complains = message: config:
    let failed = map (entry: entry.message) (lib.filter (entry: !entry.assertion) config.assertions);
    in equal [ message ] failed;

  # "Key=value" lines of a unit's text.
  line = key: text:
    lib.filter (found: lib.hasPrefix "${key}=" found) (lib.splitString "\n" text);
}
