# NixOS module `qvm.guest`: a NixOS system as the root of qvm's machines. The image is
# `config.system.build.qvmImage`; README.md says how it is used.
{
  imports = [
    ./guest/options.nix
    ./guest/system.nix
    ./guest/systemd.nix
    ./guest/assertions.nix
    ./guest/image.nix
  ];
}
