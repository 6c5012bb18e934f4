# The kernel: the fragment is well-formed and asks for what a NixOS guest needs.
{ self, pkgs, lib, all, equal, contains, isEmpty, isTrue, matches, ... }:

let
  kernel = self.packages.${pkgs.stdenv.hostPlatform.system}.kernel;
  arch = pkgs.stdenv.hostPlatform.parsed.cpu.name;
  text = lib.concatMapStrings builtins.readFile kernel.fragments;
  lines = lib.filter (line: line != "") (lib.splitString "\n" text);
  options = lib.filter (line: lib.hasPrefix "CONFIG_" line || builtins.match "# CONFIG_[A-Z0-9_]+ is not set" line != null) lines;
  names = map (line: lib.head (builtins.match "(# )?(CONFIG_[A-Z0-9_]+).*" line)) options;
  on = name: isTrue "${name}=y" (lib.elem "CONFIG_${name}=y" lines);
in
{
  "every line is an option or a remark" = isEmpty (lib.filter
    (line: builtins.match "#.*|CONFIG_[A-Z0-9_]+=(y|n|-?[0-9]+|0x[0-9a-f]+|\"[^\"]*\")" line == null)
    lines);
  "no modules" = isEmpty (lib.filter (line: lib.hasSuffix "=m" line) lines);
  "there are options" = isTrue "more than 50" (lib.length names > 50);
  "an image can be mounted" = all (map on [ "EROFS_FS" "EROFS_FS_ZIP" "OVERLAY_FS" "TMPFS" "VIRTIO_BLK" "VIRTIO_MMIO" ]);
  "the agent finds qvm and the shares" = all (map on [ "VIRTIO_FS" "VSOCKETS" "VIRTIO_VSOCKETS" ]);
  "scripts can be run, and programs with a loader" = all (map on [ "BINFMT_SCRIPT" "BINFMT_ELF" ]);
  "systemd and Nix find their name spaces and groups" = all (map on [
    "CGROUPS"
    "USER_NS"
    "PID_NS"
    "NET_NS"
    "SECCOMP"
    "SECCOMP_FILTER"
    "EPOLL"
    "SIGNALFD"
    "TIMERFD"
    "INOTIFY_USER"
  ]);
  "it is built for the machine" = all [
    (isTrue "the fragment of ${arch}" (lib.any (lib.hasSuffix "${arch}.config") (map toString kernel.fragments)))
    (contains "ARCH=${pkgs.stdenv.hostPlatform.linuxArch}" (toString kernel.makeFlags))
  ];
  "from sources with long support" = matches "linux_6_(6|12|18)" kernel.series;
  "options that are lost fail the build" = contains "lost-options.sh fragment .config" kernel.postConfigure;
  "the release is what uname says" = all [
    (equal "${lib.versions.pad 3 kernel.version}-qvm" kernel.release)
    (contains "CONFIG_LOCALVERSION=\"-qvm\"" text)
  ];
}
