#!/bin/sh
# mmdebstrap customize hook. $1 is the finished root; this process is root of it, truly or in a
# user namespace. Leaves in $1/qvm-out:
#   root.erofs   the root as an image
#   kernel.deb   Debian's kernel package, as shipped
#   modules.dep  of that kernel
#   packages     "name version" lines
# QVM_KERNEL names the kernel metapackage, QVM_EPOCH the time stamp of all files, QVM_UUID the
# image's identity.
set -eu
root=$1
out=$root/qvm-out
say() { echo "qvm: $*" >&2; }

mkdir "$out"
cd "$out"

# The kernel comes without its dependencies: initramfs-tools would make an initramfs that nobody
# boots. So the package is unpacked and not installed.
say kernel
image=$(APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-cache depends --important "$QVM_KERNEL" |
    sed -n 's/^ *Depends: \(linux-image-[0-9][^ ]*\)$/\1/p' | head -n 1)
[ -n "$image" ] || { say "error: $QVM_KERNEL names no kernel package"; exit 1; }
APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-get download "$image"
mv -- *.deb kernel.deb
dpkg-deb --fsys-tarfile kernel.deb | tar -x -C "$root" --keep-directory-symlink \
    --wildcards './usr/lib/modules/*'
version=$(ls "$root/usr/lib/modules")
chroot "$root" depmod "$version"
cp "$root/usr/lib/modules/$version/modules.dep" modules.dep

# Podman's storage is an overlay of its own, which the root's cannot hold; there is memory for it.
mkdir -m 1777 "$root/var/lib/containers"
cat >"$root/etc/containers/storage.conf" <<'END'
[storage]
driver = "overlay"
runroot = "/run/containers/storage"
graphroot = "/var/lib/containers/storage"
rootless_storage_path = "/var/lib/containers/user-$UID/storage"
END

say tidy
# The formats are dpkg's own.
# shellcheck disable=SC2016
chroot "$root" dpkg-query -W -f '${Package} ${Version}\n' >packages
# shellcheck disable=SC2016
dpkg-deb -W --showformat '${Package} ${Version}\n' kernel.deb >>packages

# Nothing of the machine that made the image: its name, its resolver, its mirror.
: >"$root/etc/machine-id"
: >"$root/etc/resolv.conf"
: >"$root/etc/apt/sources.list"
echo qvm >"$root/etc/hostname"
rm -f "$root/etc/apt/apt.conf.d"/*mmdebstrap "$root/etc/dpkg/dpkg.cfg.d"/*mmdebstrap \
    "$root/etc/apt/sources.list.d"/*
rm -rf "$root/var/lib/apt/lists"/* "$root/var/cache/apt"/* "$root/var/cache/debconf"/*-old \
    "$root/var/cache/ldconfig"/* "$root/var/log"/* "$root/var/lib/dpkg"/*-old \
    "$root/var/lib/systemd" "$root/etc"/*-
find "$root/usr/lib/python3" "$root/usr/lib"/python3.* "$root/usr/share" -depth \
    -name __pycache__ -type d -exec rm -rf {} +
# Set-user-id programs are a way up that no agent needs; user namespaces need these two.
find "$root/usr" "$root/var" -xdev -perm /6000 -type f \
    ! -name newuidmap ! -name newgidmap -exec chmod u-s,g-s {} +

say root
# The excludes keep out what is mounted there now; the directories stay. Without -x-1 it would
# read extended attributes even there, and none of the packages has any. One time stamp for all
# files (which that variable would prevent) halves their inodes, and makes the same packages the
# same image. lz4 costs a processor the least to read, which counts twice where it is emulated.
env -u SOURCE_DATE_EPOCH mkfs.erofs --quiet -zlz4 -C16384 -x-1 -T"$QVM_EPOCH" -U"$QVM_UUID" \
    --exclude-regex='^(dev|proc|sys|run|tmp)/.' --exclude-path=qvm-out \
    root.erofs "$root"
