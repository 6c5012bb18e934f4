# The one command: qvm with all it starts. What the user's PATH has goes before.
{ lib, runCommand, makeWrapper, qvm, guest-agent, flake
, nix, qemu_kvm, erofs-utils, gnutar, xz, zstd
  # For the Debian image. Older nixpkgs have none.
, mmdebstrap ? null
}:

let
  # Those for the images, and a CPU for machines that cannot virtualize one.
  programs = [ nix erofs-utils gnutar xz zstd qemu_kvm ]
    ++ lib.optional (mmdebstrap != null) mmdebstrap;
in
runCommand "qvm-${qvm.version}"
{
  inherit (qvm) version;
  pname = "qvm";
  nativeBuildInputs = [ makeWrapper ];
  meta = removeAttrs qvm.meta [ "position" ];
} ''
  makeWrapper ${lib.getExe qvm} $out/bin/qvm \
    --set-default QVM_AGENT ${lib.getExe guest-agent} \
    --set-default QVM_NIXOS_FLAKE ${flake} \
    --suffix PATH : ${lib.makeBinPath programs}
''
