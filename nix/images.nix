# Guest images that were released, for machines that cannot build one: a Mac needs no Linux
# builder. By system: where the archive of `qvm image export` is, what is in it, and the digest that
# `qvm image import` wants.
#
#   aarch64-darwin = {
#     url = "https://…/qvm-guest-image-0.1.0-aarch64.tar";
#     sha256 = "sha256-…";   # of the unpacked archive, as `nix hash path` says it
#     digest = "…";          # of its manifest.json, 64 hexadecimal digits
#   };
{ }
