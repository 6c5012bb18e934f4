#!/bin/sh
# mmdebstrap extract hook for the root of another machine. $1 is the root, in which the essential
# packages are extracted already. All are unpacked by this machine's dpkg, which is many times
# quicker than an emulated one; then their own scripts are run, by emulation. QVM_PACKAGES names
# those to have beside the essential ones.
set -eu
root=$1
say() { echo "qvm: $*" >&2; }

# As mmdebstrap would: no service is started while its package is set up.
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"

# They are words, whatever stands in them.
set -f
# shellcheck disable=SC2086
APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-get --yes --download-only install $QVM_PACKAGES >&2
set +f

cd "$root/var/cache/apt/archives"
set --
while read -r option; do set -- "$@" "--$option"; done <"$root/etc/dpkg/dpkg.cfg.d/99mmdebstrap"
# It says so of each package: this is the machine that these are not for.
unpack() {
    dpkg --root="$root" --force-depends,architecture,unsafe-io --no-triggers --unpack "$@"
}
export DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true LC_ALL=C LANGUAGE=C
# The scripts of all others look up users.
unpack "$@" base-passwd_*.deb base-files_*.deb
unpack "$@" ./*.deb
chroot "$root" dpkg --force-depends,unsafe-io --configure --pending
[ -z "$(chroot "$root" dpkg --audit)" ] || {
    say "error: not every package could be set up"
    exit 1
}
rm "$root/usr/sbin/policy-rc.d" "$root/var/cache/apt/archives"/*.deb
