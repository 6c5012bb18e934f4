# The model server as a service of the user, for NixOS's and home-manager's way of writing units.
# Its own sandbox needs user namespaces, mounts and a filter that asks (docs/decisions/0020): no
# setting here may touch those, or the GPU.
{ lib, package, model, server }:

{
  unit = {
    Description = "qvm's model server";
    # A server that cannot start is given up on, not tried for ever.
    StartLimitIntervalSec = 300;
    StartLimitBurst = 3;
  } // lib.optionalAttrs (model == null) {
    # Without a model there is nothing to serve.
    ConditionPathExists = "%E/qvm/models.toml";
  };
  service = {
    ExecStart = "${lib.getExe package} serve" + lib.optionalString (model != null) " ${model}";
    Restart = "on-failure";
    RestartSec = 5;
    KillMode = "mixed";
    LockPersonality = true;
    NoNewPrivileges = true;
    RestrictRealtime = true;
    RestrictSUIDSGID = true;
    SystemCallArchitectures = "native";
    UMask = "0077";
  } // lib.optionalAttrs (server != null) {
    Environment = "QVM_LLAMA_SERVER=${server}";
  };
  # With the user's first log-in.
  target = "default.target";
}
