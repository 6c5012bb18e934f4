# A released image, pinned twice: to the archive's content, and to the manifest that qvm checks.
{ lib, fetchzip, zstd, image }:

assert lib.assertMsg (builtins.match "[0-9a-f]{64}" image.digest != null)
  "nix/images.nix: digest is not 64 hexadecimal digits: ${image.digest}";

fetchzip {
  name = "qvm-guest-image";
  inherit (image) url;
  hash = image.sha256;
  stripRoot = false;
  nativeBuildInputs = [ zstd ];
  postFetch = ''
    echo "${image.digest}  $out/manifest.json" | sha256sum --check --quiet
  '';
}
