# systemd in a guest: only what a machine without hardware, network and log-in can use, so that
# nothing is waited for. Without `qvm.guest.systemd` none of it is in the image.
{ config, lib, ... }:

let
  cfg = config.qvm.guest;
  off = names: lib.genAttrs names (_: { enable = false; });
in
{
  config = lib.mkIf cfg.enable (lib.mkMerge [
    {
      # Made when the image is made.
      systemd.services = off [ "suid-sgid-wrappers" ];
    }

    (lib.mkIf (!cfg.systemd) {
      environment.etc."systemd/system".enable = false;
      environment.etc."systemd/user".enable = false;
    })

    (lib.mkIf cfg.systemd {
      systemd = {
        defaultUnit = "multi-user.target";
        services = off [
          "autovt@"
          "console-getty"
          "container-getty@"
          "getty@"
          "serial-getty@"
          # Commands come through the agent, without PAM and so without sessions.
          "systemd-logind"
        ];
        oomd.enable = false;
        coredump.enable = false;
        # The agent mounts these, or nobody needs them.
        suppressedSystemUnits = [
          "dev-hugepages.mount"
          "dev-mqueue.mount"
          "kmod-static-nodes.service"
          "sys-fs-fuse-connections.mount"
          "sys-kernel-debug.mount"
          "systemd-journald-audit.socket"
          "systemd-modules-load.service"
          "systemd-random-seed.service"
          "systemd-remount-fs.service"
        ];
      };
      services.timesyncd.enable = false;
      services.logrotate.enable = false;
    })
  ]);
}
