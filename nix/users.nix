# The databases of users and groups as texts, from NixOS's options. NixOS makes them at each start,
# with Perl; a guest's are the same at each start, so they are in its image, and the agent adds
# the caller's entries.
{ lib, config, utils }:

let
  # A user is enabled unless a newer NixOS says otherwise.
  users = lib.filterAttrs (_: user: user.enable or true) config.users.users;
  inherit (config.users) groups;

  # Those without a number get one as NixOS gives it: system's from 999 down, people's from 1000
  # up, past those that are taken.
  numbered = field: isSystem: set:
    let
      taken = map (entry: entry.${field}) (lib.filter (entry: entry.${field} != null) (lib.attrValues set));
      free = first: step: count:
        let next = number: if lib.elem number taken then next (number + step) else number;
        in lib.genericClosure {
          startSet = lib.optional (count > 0) { key = next first; left = count; };
          operator = { key, left }: lib.optional (left > 1) { key = next (key + step); left = left - 1; };
        };
      give = first: step: wanted:
        lib.zipListsWith (entry: number: lib.nameValuePair entry.name number.key)
          wanted (free first step (lib.length wanted));
      unnumbered = lib.filter (entry: entry.${field} == null) (lib.attrValues set);
      split = lib.partition isSystem unnumbered;
    in
    lib.mapAttrs' (_: entry: lib.nameValuePair entry.name entry.${field})
      (lib.filterAttrs (_: entry: entry.${field} != null) set)
    // lib.listToAttrs (give 999 (-1) split.right ++ give 1000 1 split.wrong);

  uids = numbered "uid" (user: user.isSystemUser) users;
  gids = numbered "gid" (_: true) groups;

  gid = user: gids.${user.group} or (throw "qvm.guest: user ${user.name} is in group ${user.group}, which is not in users.groups");
  lines = lib.concatMapStrings (line: line + "\n");
  # Root first, then by number.
  sorted = numbers: set: lib.sort (a: b: numbers.${a.name} < numbers.${b.name}) (lib.attrValues set);
in
{
  inherit uids gids;

  passwd = lines (map
    (user: "${user.name}:x:${toString uids.${user.name}}:${toString (gid user)}:${user.description}:${user.home}:${utils.toShellPath user.shell}")
    (sorted uids users));

  group = lines (map
    (group: "${group.name}:x:${toString gids.${group.name}}:${lib.concatStringsSep "," (lib.unique group.members)}")
    (sorted gids groups));

  # Nobody logs in with a password.
  shadow = lines (map (user: "${user.name}:!:1::::::") (sorted uids users));
}
