# What can be found out about all this without building any of it. A check is a file here: a set of
# named results, `null` where all is well, else what is wrong. `nix flake check` fails where one
# is not null; ./scripts/test nix prints each by its name.
{ nixpkgs, self, pkgs }:

let
  inherit (pkgs) lib;
  tools = import ./tools.nix { inherit nixpkgs self pkgs lib; };

  check = name: file:
    let
      # An error that can be caught is a wrong result, and the others are still told.
      results = lib.mapAttrs
        (_: result:
          let tried = builtins.tryEval (builtins.deepSeq result result);
          in if tried.success then tried.value else "it cannot be evaluated")
        (import file tools);
      failed = lib.filterAttrs (_: result: result != null) results;
      summary = lib.concatStrings (lib.mapAttrsToList (test: result: "${test}: ${result}\n") failed);
    in
    pkgs.runCommand "qvm-check-${name}"
      {
        count =
          if failed == { } then toString (lib.length (lib.attrNames results))
          else throw "qvm: check ${name}:\n${summary}";
      } ''
      echo "$count results, none of them wrong" >$out
    '' // { inherit results; };
in
lib.mapAttrs check ({
  guest = ./guest.nix;
  kernel = ./kernel.nix;
  packages = ./packages.nix;
}
# These would say the same of every system.
// lib.optionalAttrs pkgs.stdenv.hostPlatform.isx86_64 {
  guest-refused = ./guest-refused.nix;
  guest-systemd = ./guest-systemd.nix;
  home = ./home.nix;
  host = ./host.nix;
  users = ./users.nix;
})
