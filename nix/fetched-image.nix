# A released image, as `qvm image export` wrote it. Pinned twice: to the archive's content, and to
# the manifest, whose digest is the image's name (docs/decisions/0033-manifests-pin-images.md).
{ lib, fetchzip, image }:

assert lib.assertMsg (builtins.match "[0-9a-f]{64}" image.digest != null)
  "nix/images.nix: digest is not 64 hexadecimal digits: ${image.digest}";

fetchzip {
  name = "qvm-guest-image";
  inherit (image) url;
  hash = image.sha256;
  stripRoot = false;
  postFetch = ''
    echo "${image.digest}  $out/manifest.json" | sha256sum --check --quiet
  '';
}
