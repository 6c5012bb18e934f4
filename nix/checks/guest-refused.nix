# What a guest cannot have is refused, and the message says why.
{ pkgs, lib, guest, nixos, self, complains, refused, equal, all, isTrue, ... }:

let
  option = name: value: (guest { qvm.guest.${name} = value; }).qvm.guest.${name};
in
{
  "a file system" = complains
    "qvm.guest: fileSystems and swapDevices have no effect in a guest; folders come with qvm -v"
    (guest { fileSystems."/data" = { device = "/dev/vdb"; fsType = "ext4"; }; });
  "a network interface" = complains
    "qvm.guest: a guest has no network interface to configure; ports come with qvm -p"
    (guest { networking.interfaces.eth0.useDHCP = false; });
  "a variable without a name" = complains
    ''qvm.guest.env: no variable can have the name ["A=B"]''
    (guest { qvm.guest.env."A=B" = "c"; });
  "a wrapper with a slash" = complains
    ''qvm.guest.setuid: the name of a program has neither slashes nor spaces: ["a/b"]''
    (guest { qvm.guest.setuid."a/b" = "${pkgs.hello}/bin/hello"; });
  "a service without systemd" = complains
    "qvm.guest: services such as openssh need qvm.guest.systemd = true"
    (guest { services.openssh.enable = true; });
  "an agent that nixpkgs lacks" =
    let lacking = lib.filter (name: !(pkgs ? ${name})) [ "claude-code" "codex" "opencode" ];
    in if lacking == [ ] then null else complains
      "qvm.guest.agents: this nixpkgs has no ${lib.head lacking}; take a newer one, or leave it to qvm's own layer (qvm --with)"
      (guest { qvm.guest.agents = [ (lib.head lacking) ]; });
  "a failed assertion is no image" = refused
    (guest { qvm.guest.env."A=B" = "c"; }).system.build.qvmImage.drvPath;
  "an assertion of a user's, too" = refused
    (guest { assertions = [{ assertion = false; message = "mine"; }]; }).system.build.qvmImage.drvPath;

  "types: systemd" = refused (option "systemd" "yes");
  "types: packages" = refused (option "packages" [ "git" ]);
  "types: agents" = refused (option "agents" [ "emacs" ]);
  "types: shell, not absolute" = refused (option "shell" "bash");
  "types: env" = refused (option "env" { A = 1; });
  "types: setuid" = refused (option "setuid" { a = "not/absolute"; });
  "types: kernel" = refused (option "kernel" "linux");
  "types: compression" = refused (option "compression" "lzma");
  "an option that is none" = refused (guest { qvm.guest.colour = "red"; }).qvm.guest;
  # So that the above are refused for their values.
  "good values are taken" = all [
    (equal true (option "systemd" true))
    (equal "/bin/sh" (option "shell" "/bin/sh"))
    (equal { A = "1"; } (option "env" { A = "1"; }))
    (equal "lz4hc,9" (option "compression" "lz4hc,9"))
    (equal null (option "kernel" null))
  ];
  "without enable there is no image" = isTrue "no qvmImage"
    (!(nixos {
      imports = [ self.nixosModules.guest ];
      boot.isContainer = true;
    }).system.build ? qvmImage);
}
