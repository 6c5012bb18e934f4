# A guest image from the parts of a NixOS system: the directory that qvm imports, with
# `root.erofs`, `manifest.json` and, with a kernel, `vmlinux` and `config`.
{ lib, runCommand, writeText, closureInfo, stdenv, fakeroot, erofs-utils, nix, sqlite

  # Directory that becomes /etc; texts of passwd, group and shadow; the content of guest.json.
, etc
, databases
, guest
  # Links in the image: path to target. Programs with the set-user-id bit: name to path.
, links
, setuid
  # [ { name, version } ], for `qvm image ls`.
, packages
  # See kernel.nix; null leaves the choice of a kernel to qvm.
, kernel
, withNix
, compression
}:

let
  # The closure of what the image names is in it, and nothing else of the store.
  root = writeText "qvm-guest-root" (builtins.toJSON { inherit guest links setuid etc; });
  info = closureInfo { rootPaths = [ root ]; };
  arguments = {
    inherit etc compression;
    closure = "${info}/store-paths";
    registration = lib.optionalString withNix "${info}/registration";
    databases = runCommand "qvm-guest-databases" { } ''
      mkdir $out
      ${lib.concatStrings (lib.mapAttrsToList (name: text: ''
        cp ${writeText name text} $out/${name}
      '') databases)}
    '';
    guest = writeText "guest.json" (builtins.toJSON guest);
    links = lib.concatLines (lib.mapAttrsToList (path: target: "${path} ${target}") links);
    setuid = lib.concatLines (lib.mapAttrsToList (name: program: "${name} ${program}") setuid);
    kernel = if kernel == null then "" else "${kernel}";
    release = if kernel == null then "" else kernel.release;
    arch = stdenv.hostPlatform.parsed.cpu.name;
    packages = builtins.toJSON packages;
  };
  # qvm knows an image by its recipe: all that goes into it, by the names in the store.
  recipe = builtins.hashString "sha256"
    (builtins.unsafeDiscardStringContext (builtins.toJSON arguments + builtins.readFile ./build-image.sh));
in
runCommand "qvm-guest-image"
  (arguments // {
    inherit recipe;
    nativeBuildInputs = [ fakeroot erofs-utils ] ++ lib.optionals withNix [ (lib.getBin nix) (lib.getBin sqlite) ];
    passthru = { inherit arguments guest kernel recipe root info; };
  })
  ''
    fakeroot bash ${./build-image.sh}
  ''
