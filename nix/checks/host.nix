# A NixOS machine with qvm on it.
{ self, pkgs, lib, host, all, equal, contains, lacks, complains, refused, isEmpty, isTrue, line, ... }:

let
  plain = host { };
  full = host {
    programs.qvm = {
      users = [ "alice" ];
      serve = { enable = true; model = "qwen"; };
    };
    users.users.alice.isNormalUser = true;
  };
  unit = full.systemd.user.units."qvm-serve.service".text;
  found = (host { programs.qvm.serve = { enable = true; server = null; }; }).systemd.user.units."qvm-serve.service".text;
  package = self.packages.${pkgs.stdenv.hostPlatform.system}.default;
in
{
  # By their names: to compare packages is to evaluate all of them.
  "the command is installed" = isTrue "in systemPackages"
    (lib.any (found: lib.getName found == "qvm") plain.environment.systemPackages);
  "no service unless asked for" = isTrue "no unit" (!plain.systemd.user.units ? "qvm-serve.service");
  "no service of the system's" = isEmpty
    (lib.filter (name: lib.hasInfix "qvm" name) (lib.attrNames full.systemd.units));
  "users may open /dev/kvm" = equal [ "alice" ] full.users.groups.kvm.members;
  "it starts what is installed" = all [
    (equal [ "ExecStart=${package}/bin/qvm serve qwen" ] (line "ExecStart" unit))
    (contains "$out/bin/qvm" package.buildCommand)
  ];
  "without a model, the default one of models.toml" = all [
    (equal [ "ExecStart=${package}/bin/qvm serve" ] (line "ExecStart" found))
    (equal [ "ConditionPathExists=%E/qvm/models.toml" ] (line "ConditionPathExists" found))
    (isEmpty (line "ConditionPathExists" unit))
  ];
  "it starts with the user's session" = equal [ "WantedBy=default.target" ] (line "WantedBy" unit);
  "the server is nixpkgs' llama-server" =
    contains "QVM_LLAMA_SERVER=${pkgs.llama-cpp}/bin/llama-server" unit;
  "or whatever qvm finds" = lacks "QVM_LLAMA_SERVER" found;
  "it is given up on at last" = all [
    (equal [ "Restart=on-failure" ] (line "Restart" unit))
    (equal [ "StartLimitBurst=3" ] (line "StartLimitBurst" unit))
  ];
  "it cannot gain rights" = equal [ "NoNewPrivileges=true" ] (line "NoNewPrivileges" unit);
  # Name spaces, mounts, devices, and the code that a GPU's driver writes.
  "nothing is forbidden that the server's own sandbox needs" = all (map (key: isEmpty (line key unit)) [
    "MemoryDenyWriteExecute"
    "PrivateDevices"
    "PrivateNetwork"
    "PrivateUsers"
    "ProtectHome"
    "ProtectProc"
    "ProtectSystem"
    "RestrictAddressFamilies"
    "RestrictNamespaces"
    "SystemCallFilter"
  ]);
  "user namespaces are needed" = all [
    (isEmpty (lib.filter (entry: !entry.assertion) plain.assertions))
    (complains
      "programs.qvm: qvm confines its processes by user namespaces; security.allowUserNamespaces has to be true"
      (host { security.allowUserNamespaces = false; nix.settings.sandbox = false; }))
  ];
  "with a hardened kernel, where nixpkgs has one, they have to be open to users" =
    if !(builtins.tryEval (pkgs ? linuxPackages_hardened && pkgs.linuxPackages_hardened ? kernel)).value then null
    else complains
      "programs.qvm: with a hardened kernel security.unprivilegedUsernsClone has to be true"
      (host { boot.kernelPackages = pkgs.linuxPackages_hardened; });
  "types: users" = refused (host { programs.qvm.users = "alice"; }).programs.qvm.users;
  "types: a model that would be an option, or two words" = all (map
    (model: refused (host { programs.qvm.serve = { inherit model; }; }).programs.qvm.serve.model)
    [ "--stop" "a b" "$HOME/x.gguf" "%h/x.gguf" "" ]);
  "and one that is neither" = equal "ORG/REPO:Q4_K_M"
    (host { programs.qvm.serve.model = "ORG/REPO:Q4_K_M"; }).programs.qvm.serve.model;
  "types: server" = refused (host { programs.qvm.serve.server = "llama-server"; }).programs.qvm.serve.server;
  "types: package" = refused (host { programs.qvm.package = "qvm"; }).programs.qvm.package;
}
