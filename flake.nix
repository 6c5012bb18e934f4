{
  description = "Runs a command in a throwaway microVM that shares one folder and nothing else";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs = { self, nixpkgs }: import ./nix { inherit self nixpkgs; };
}
