# A guest with systemd: it is told to the agent, and nothing in it waits for what never comes.
{ lib, guest, all, equal, isEmpty, isTrue, matches, ... }:

let
  config = guest { qvm.guest.systemd = true; };
  json = config.system.build.qvmImage.guest;
  suppressed = config.systemd.suppressedSystemUnits;
  units = lib.filterAttrs (name: unit: unit.enable && !lib.elem name suppressed) config.systemd.units;
  started = lib.filterAttrs (_: unit: unit.wantedBy ++ unit.requiredBy != [ ]) units;
  off = name: isTrue "${name} is off" (lib.elem name suppressed || !config.systemd.units.${name}.enable);
  programs = lib.concatMap
    (unit: lib.filter (line: lib.hasPrefix "Exec" line) (lib.splitString "\n" unit.text))
    (lib.attrValues units);
in
{
  "the agent is told which systemd" = equal "${config.systemd.package}/lib/systemd/systemd" json.systemd;
  "its units are in /etc" = equal true config.environment.etc."systemd/system".enable;
  "it is a system for many users" = equal "multi-user.target" config.systemd.defaultUnit;
  "no getty, no log-in, no udev, no wrappers" = all (map off [
    "getty@.service"
    "autovt@.service"
    "serial-getty@.service"
    "console-getty.service"
    "container-getty@.service"
    "systemd-logind.service"
    "systemd-udevd.service"
    "systemd-udevd-kernel.socket"
    "systemd-udevd-control.socket"
    "suid-sgid-wrappers.service"
  ]);
  "nothing waits for a network" = isEmpty (lib.filter
    (name: builtins.match ".*(wait-online|dhcpcd|networkd|NetworkManager|firewall|resolved).*" name != null)
    (lib.attrNames started));
  "few units are started" = isTrue "at most 12: ${toString (lib.attrNames started)}" (lib.length (lib.attrNames started) <= 12);
  "programs of units are in the store" = isEmpty (lib.filter
    (line: builtins.match "Exec[A-Za-z]*=(|systemd-[a-z]+ .*|[-@:+!]*/nix/store/.*|[-@:+!]*/run/current-system/.*)" line == null)
    programs);
  "there are some" = isTrue "more than one" (lib.length programs > 1);
  "no file system is waited for" = isEmpty (lib.attrNames config.fileSystems);
  "the system has systemd beside its programs" =
    matches ".*ln -s ${config.systemd.package} \\$out/systemd.*"
      (lib.replaceStrings [ "\n" ] [ " " ] config.system.build.qvmGuestSystem.buildCommand);
}
