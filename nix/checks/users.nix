# The databases of users and groups, which NixOS makes at each start and a guest has ready.
{ nixpkgs, pkgs, lib, guest, all, equal, contains, lacks, isTrue, matches, ... }:

let
  config = guest {
    users.users.anna = { isNormalUser = true; extraGroups = [ "wheel" ]; };
    users.users.bert = { isNormalUser = true; uid = 1000; shell = pkgs.zsh; ignoreShellProgramCheck = true; };
    users.users.carl = { isNormalUser = true; };
    users.users.daemon1 = { isSystemUser = true; group = "daemon1"; };
    users.users.daemon2 = { isSystemUser = true; group = "daemon1"; uid = 999; };
    users.groups.daemon1 = { };
  };
  utils = import (nixpkgs + "/nixos/lib/utils.nix") { inherit lib config pkgs; };
  made = import ../users.nix { inherit lib config utils; };
  numbers = map (entry: lib.elemAt (lib.splitString ":" entry) 2)
    (lib.filter (entry: entry != "") (lib.splitString "\n" made.passwd));
in
{
  "root comes first" = matches "root:x:0:0:[^\n]*:/root:/run/current-system/sw/bin/bash\n.*" made.passwd;
  "people without a number get the next free one" = all [
    (equal 1001 made.uids.anna)
    (equal 1000 made.uids.bert)
    (equal 1002 made.uids.carl)
  ];
  "system users count down, past those that are taken" = all [
    (equal 998 made.uids.daemon1)
    (equal 999 made.uids.daemon2)
  ];
  "numbers are given once" = equal (lib.length numbers) (lib.length (lib.unique numbers));
  "groups have their members" = contains "wheel:x:1:anna\n" made.group;
  "a user's group is a number" = contains
    "\ndaemon1:x:998:${toString made.gids.daemon1}:" made.passwd;
  "shells are found in the system" = contains "/run/current-system/sw/bin/zsh\n" made.passwd;
  "no path of the store" = all [ (lacks "/nix/store" made.passwd) (lacks "/nix/store" made.group) ];
  "nobody has a password" = isTrue "all locked" (lib.all
    (entry: entry == "" || builtins.match "[^:]+:!:1::::::" entry != null)
    (lib.splitString "\n" made.shadow));
  "as many locked as there are" = equal
    (lib.length (lib.splitString "\n" made.passwd)) (lib.length (lib.splitString "\n" made.shadow));
}
