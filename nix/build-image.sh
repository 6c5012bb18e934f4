# shellcheck shell=bash disable=SC2154
# Makes a guest image from the closure of a NixOS system. Run it under fakeroot: the image's files
# belong to root, and some are set-user-id. Everything comes in variables:
#   out           directory to be made
#   closure       file with the paths of the closure, one a line
#   registration  file for `nix-store --load-db`; empty: the guest has no database
#   etc           directory that becomes /etc: links, and beside some a NAME.mode, .uid and .gid
#   databases     directory with passwd, group and shadow
#   guest         guest.json
#   links         lines "PATH TARGET" of links in the image
#   setuid        lines "NAME PROGRAM" to be copied to /run/wrappers/bin
#   kernel        directory with vmlinux and config; empty: the image has no kernel
#   release arch recipe packages    for manifest.json; packages is a JSON array
#   compression   of mkfs.erofs: lz4, zstd,3 …; "none"
set -euo pipefail
umask 022

root=$PWD/root
mkdir "$out" "$root"
cd "$root"
# The agent mounts on some of these; a missing one would be made in memory at each start.
mkdir -p bin dev etc home lib nix/store nix/var/nix proc root run sys tmp usr/bin usr/local/bin \
    var/empty var/lib var/log var/tmp
ln -s ../run var/run
chmod 700 root
chmod 1777 tmp var/tmp
chmod 555 var/empty

xargs -r cp -a -t nix/store <"$closure"

# Nix works for whoever runs it: nobody else is in a guest, and the bit keeps others' paths.
chmod 1777 nix/store
if [ -n "$registration" ]; then
    NIX_REMOTE="local?root=$root" USER=nobody nix-store --load-db <"$registration"
    sqlite3 nix/var/nix/db/db.sqlite 'UPDATE ValidPaths SET registrationTime = 1; VACUUM'
    rm -f nix/var/nix/db/db.sqlite-* nix/var/nix/db/*.lock nix/var/nix/gc.lock
    mkdir -p nix/var/nix/{gcroots,profiles,temproots}
    ln -sfn /run/current-system nix/var/nix/gcroots/current-system
    ln -sfn /nix/var/nix/profiles nix/var/nix/gcroots/profiles
    find nix/var/nix -type d -exec chmod 777 {} +
    find nix/var/nix -type f -exec chmod 666 {} +
    # Nix makes these for whoever runs it, and wants to be their owner.
    rm -rf nix/var/nix/{gcroots,profiles}/per-user
fi

cp -a "$etc/." etc
cp -a "$databases/." etc
chmod -R u+w etc
chmod 644 etc/passwd etc/group
chmod 640 etc/shadow
# number FILE ENTRY: of a user or group; "+N" is a number already.
number() {
    case $2 in
        +*) echo "${2#+}" ;;
        *) awk -F: -v name="$2" '$1 == name { print $3; found = 1 } END { exit !found }' "$1" ||
            { echo "error: no $2 in $1, which an entry of environment.etc names" >&2; return 1; } ;;
    esac
}
find etc -name '*.mode' -print | while IFS= read -r mode; do
    file=${mode%.mode}
    if [ "$(cat "$mode")" = direct-symlink ]; then
        ln -sfn "$(readlink "$(readlink "$file")")" "$file"
    else
        cp --remove-destination -L "$(readlink "$file")" "$file"
        user=$(number etc/passwd "$(cat "$file.uid")")
        group=$(number etc/group "$(cat "$file.gid")")
        chown "$user:$group" "$file"
        chmod "$(cat "$mode")" "$file"
    fi
    rm -f "$mode" "$file.uid" "$file.gid"
done
mkdir -p etc/qvm
cp "$guest" etc/qvm/guest.json
# Empty ones: the agent and systemd fill them in.
: >etc/machine-id

while read -r path target; do
    [ -n "$path" ] || continue
    mkdir -p ".${path%/*}"
    ln -sfn "$target" ".$path"
done <<<"$links"

# /run is new at each start, and nothing on it is set-user-id: a link leads here.
mkdir -p usr/libexec/wrappers/bin
while read -r name program; do
    [ -n "$name" ] || continue
    cp -L "$program" "usr/libexec/wrappers/bin/$name"
    chmod 4755 "usr/libexec/wrappers/bin/$name"
done <<<"$setuid"

cd "$out"
# As guest-image/debian/customize.sh does it, and for its reasons.
compress=()
[ "$compression" = none ] || compress=("-z$compression" -C16384)
uuid=${recipe:0:8}-${recipe:8:4}-${recipe:12:4}-${recipe:16:4}-${recipe:20:12}
env -u SOURCE_DATE_EPOCH mkfs.erofs --quiet "${compress[@]}" -x-1 -T1 -U"$uuid" root.erofs "$root"

files=(root.erofs)
if [ -n "$kernel" ]; then
    cp "$kernel/vmlinux" "$kernel/config" .
    chmod 644 vmlinux config
    files=(config root.erofs vmlinux)
fi
{
    printf '{\n  "format": 1,\n  "recipe": "%s",\n  "arch": "%s",\n' "$recipe" "$arch"
    [ -z "$kernel" ] || printf '  "kernel": "%s",\n' "$release"
    printf '  "packages": %s,\n  "files": {' "$packages"
    comma=
    for file in "${files[@]}"; do
        read -r digest _ < <(sha256sum "$file")
        printf '%s\n    "%s": { "size": %s, "sha256": "%s" }' "$comma" "$file" "$(stat -c %s "$file")" "$digest"
        comma=,
    done
    printf '\n  }\n}\n'
} >manifest.json
