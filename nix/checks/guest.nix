# The image of a guest: what is in it, and what it tells the agent.
{ self, pkgs, lib, guest, all, equal, contains, lacks, matches, isEmpty, isTrue, ... }:

let
  plain = guest { };
  image = plain.system.build.qvmImage;
  json = image.guest;
  rich = (guest {
    qvm.guest = {
      env = { GREETING = "hello"; PAGER = "cat"; };
      activation = "mkdir /srv/scratch";
      setuid.fusermount3 = "${pkgs.fuse3}/bin/fusermount3";
      shell = "/run/current-system/sw/bin/fish";
      packages = [ pkgs.fish ];
      kernel = null;
      compression = "none";
    };
    environment.variables = { NAMED = "value"; COMPUTED = "$HOME/x"; };
    nix.enable = false;
  }).system.build.qvmImage;
  own = self.nixosConfigurations."guest-${pkgs.stdenv.hostPlatform.system}".config.system.build.qvmImage;
  script = builtins.readFile ../build-image.sh;
in
{
  "no more fields than the agent knows" =
    isEmpty (lib.subtractLists [ "path" "shell" "env" "links" "activate" "systemd" ] (lib.attrNames rich.guest));
  "the plain guest activates nothing and runs no systemd" =
    equal [ "env" "links" "path" "shell" ] (lib.attrNames json);
  "PATH has the layer's programs before the system's" =
    equal "/run/wrappers/bin:/usr/local/bin:/run/current-system/sw/bin:/usr/bin:/bin" json.path;
  "the system is where NixOS has it" =
    matches "/nix/store/.*-qvm-guest-system" json.links."/run/current-system";
  "links are in /run only" =
    isEmpty (lib.filter (name: !lib.hasPrefix "/run/" name) (lib.attrNames json.links));
  "wrappers come from where they may be set-user-id" = all [
    (equal "/usr/libexec/wrappers" json.links."/run/wrappers")
    (contains "chmod 4755 \"usr/libexec/wrappers/bin/$name\"" script)
  ];
  "newuidmap and newgidmap are wrapped, nothing else is" = all [
    (contains "newuidmap ${pkgs.shadow}/bin/newuidmap\n" image.arguments.setuid)
    (contains "newgidmap ${pkgs.shadow}/bin/newgidmap\n" image.arguments.setuid)
    (equal 3 (lib.length (lib.splitString "\n" image.arguments.setuid)))
  ];
  "another program can be wrapped" = contains "fusermount3 ${pkgs.fuse3}/bin/fusermount3\n" rich.arguments.setuid;
  "bash is the shell" = equal "/run/current-system/sw/bin/bash" json.shell;
  "another shell can be" = equal "/run/current-system/sw/bin/fish" rich.guest.shell;
  "variables that are values are passed on" = all [
    (equal "value" rich.guest.env.NAMED)
    (equal "/run/current-system/sw/lib/locale/locale-archive" json.env.LOCALE_ARCHIVE)
  ];
  "variables that a shell computes are not" = isTrue "no COMPUTED" (!rich.guest.env ? COMPUTED);
  "no variable has a dollar sign or is empty" =
    isEmpty (lib.filter (value: value == "" || lib.hasInfix "$" value) (lib.attrValues json.env));
  "Nix is asked for no daemon" = isTrue "no NIX_REMOTE" (!json.env ? NIX_REMOTE);
  "qvm.guest.env is stronger than NixOS's variables" = all [
    (equal "hello" rich.guest.env.GREETING)
    (equal "cat" rich.guest.env.PAGER)
  ];
  "activation is a program of the store" = matches "/nix/store/.*-qvm-guest-activate" (lib.head rich.guest.activate);

  "the closure is that of what the image names, and no other" = all [
    (equal [ "${image.root}" ] (map toString image.info.exportReferencesGraph.closure))
    (equal "${image.info}/store-paths" image.arguments.closure)
  ];
  "the host's store is not read by the builder" = lacks " /nix/store" script;
  "what guest.json names is in the closure" = all (map
    (path: isTrue "${path} is among the root's inputs" (lib.hasAttr path (lib.mapAttrs'
      (drv: _: lib.nameValuePair (builtins.unsafeDiscardStringContext drv) null)
      (builtins.getContext (builtins.toJSON rich.guest)))))
    (map (drv: builtins.unsafeDiscardStringContext drv)
      (lib.attrNames (builtins.getContext (lib.head rich.guest.activate + rich.guest.links."/run/current-system")))));

  "sh, env and the loader are where scripts and programs look" = all [
    (contains "/bin/sh /nix/store/" image.arguments.links)
    (contains "/usr/bin/env /nix/store/" image.arguments.links)
    (matches ".*/lib(64)?/ld-linux-[a-z0-9_-]*\\.so\\.[12] /nix/store/[^ ]*/lib/ld-linux-[^ \n]*\n.*" image.arguments.links)
    (equal 4 (lib.length (lib.splitString "\n" image.arguments.links)))
  ];
  "no /bin/bash" = lacks "/bin/bash " image.arguments.links;
  "units stay out" = all [
    (equal false plain.environment.etc."systemd/system".enable)
    (equal false plain.environment.etc."systemd/user".enable)
  ];
  "login shells know the layer's programs" = contains "/usr/local/bin" plain.environment.extraInit;
  "nixpkgs' sources stay out" = all [
    (equal false plain.nixpkgs.flake.setNixPath)
    (equal false plain.nixpkgs.flake.setFlakeRegistry)
  ];

  "the image brings its kernel" = all [
    (equal "${image.kernel}" image.arguments.kernel)
    (matches "[0-9]+\\.[0-9]+\\.[0-9]+-qvm" image.arguments.release)
  ];
  "or leaves it to qvm" = all [ (equal "" rich.arguments.kernel) (equal "" rich.arguments.release) ];
  "Nix's database comes with Nix" = all [
    (equal "${image.info}/registration" image.arguments.registration)
    (equal "" rich.arguments.registration)
  ];
  "compression is passed on" = all [ (equal "lz4" image.arguments.compression) (equal "none" rich.arguments.compression) ];
  "the manifest is of the format that qvm reads" = all [
    (contains "pub const FORMAT: u32 = 1;" (builtins.readFile ../../guest-image/src/manifest.rs))
    (contains "\"format\": 1," script)
    (matches "[0-9a-f]{64}" image.recipe)
    (matches "x86_64|aarch64" image.arguments.arch)
  ];
  "packages are named with their versions" = all [
    (contains ''"name":"git","version":"${pkgs.git.version}"'' image.arguments.packages)
    (contains ''"name":"ripgrep"'' image.arguments.packages)
  ];
  "another configuration is another image" = isTrue "recipes differ" (image.recipe != rich.recipe);
  "the flake's own guest is an image" = matches "/nix/store/.*-qvm-guest-image.drv" own.drvPath;
  "Claude Code is in it where nixpkgs has it" =
    equal (pkgs ? claude-code) (lib.hasInfix ''"name":"claude-code"'' own.arguments.packages);
  "nothing is asserted or warned of" = isEmpty plain.warnings;
}
