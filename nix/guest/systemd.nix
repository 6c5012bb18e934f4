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
        # No hardware comes or goes, the agent has mounted what is to be mounted, the clock is the
        # host's, and nothing outlives the machine. udev would start, as /sys can be written to.
        suppressedSystemUnits = [
          "audit.service"
          "dev-hugepages.mount"
          "dev-mqueue.mount"
          "generate-shutdown-ramfs.service"
          "kmod-static-nodes.service"
          "mount-pstore.service"
          "prepare-kexec.service"
          "save-hwclock.service"
          "sys-fs-fuse-connections.mount"
          "sys-kernel-debug.mount"
          "systemd-journald-audit.socket"
          "systemd-modules-load.service"
          "systemd-pstore.service"
          "systemd-random-seed.service"
          "systemd-remount-fs.service"
          "systemd-tmpfiles-setup-dev-early.service"
          "systemd-udev-settle.service"
          "systemd-udev-trigger.service"
          "systemd-udevd-control.socket"
          "systemd-udevd-kernel.socket"
          "systemd-udevd.service"
          "systemd-update-utmp.service"
        ];
      };
      services.timesyncd.enable = false;
      services.logrotate.enable = false;
    })
  ]);
}
