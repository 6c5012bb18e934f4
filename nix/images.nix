# Guest images that were released, for machines that cannot build one: a Mac needs no Linux
# builder. By system: where the archive is, what it is, and the digest of the image in it.
#
#   aarch64-darwin = {
#     url = "https://…/qvm-guest-image-0.1.0-aarch64.tar.zst";
#     sha256 = "sha256-…";   # of the unpacked archive, as `nix hash path` says it
#     digest = "…";          # of its manifest.json, 64 hexadecimal digits
#   };
{ }
