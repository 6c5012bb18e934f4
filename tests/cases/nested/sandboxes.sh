# Sandboxes, one inside the other, from what is in the image. In the workspace, with calls.py.

# check NAME CMD…: prints NAME if CMD succeeds, else what it said.
check() {
    name=$1
    shift
    if said=$("$@" 2>&1); then echo "$name"; else echo "$name FAILED: $said"; fi
}

check "user namespace" unshare -Ur sh -c 'test "$(id -u)" = 0'
check "mounts" unshare -Urm sh -c 'mount -t tmpfs none /mnt && mount --bind /etc /mnt'
check "subordinate ids" unshare --map-auto --map-root-user sh -c \
    'f=$(mktemp) && chown 5:65535 "$f" && test "$(stat -c %u:%g "$f")" = 5:65535'
check "processes" unshare -Urpf --mount-proc sh -c 'test "$(ps -e -o pid= | head -n 1)" -eq 1'
check "fuse" unshare -Urm python3 calls.py fuse
check "overlay" unshare -Urm sh -ec 'cd "$(mktemp -d)"; mkdir lower upper work all; touch lower/a
    mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work none all; rm all/a; test -c upper/a'
check "network" unshare -Urn sh -ec 'ip link add left type veth peer name right
    ip link add middle type bridge; ip link set left master middle; ip link set lo up'
check "packet filter" unshare -Urn nft "table inet t { chain c {
    type nat hook postrouting priority 100; ct state new masquerade; }; }"
check "tap device" unshare -Urn python3 calls.py tap
box="bwrap --unshare-all --ro-bind / / --dev /dev --proc /proc --tmpfs /tmp"
check "bubblewrap" $box sh -c '! touch /usr/x && test "$(ls /sys/class/net)" = lo'
check "bubblewrap in bubblewrap" $box \
    bwrap --unshare-all --ro-bind / / --dev /dev --ro-bind /proc /proc --tmpfs /tmp touch /tmp/x

# A control group with a limit, below the one that the command has.
limits() {
    own=/sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup)
    mkdir "$own/rest" "$own/small" || return
    # A group with limits for its members has no processes of its own.
    for process in $(cat "$own/cgroup.procs"); do
        echo "$process" >"$own/rest/cgroup.procs" 2>/dev/null
    done
    echo +memory >"$own/cgroup.subtree_control" && echo 32M >"$own/small/memory.max" || return
    sh -c 'echo $$ >"$1"/cgroup.procs && exec python3 -c "b\"x\" * (64 << 20)"' sh "$own/small"
    test $? = 137
}
check "limits" limits

# As Claude Code does it: no network but a socket to a proxy outside, which socat makes a port of;
# only the workspace can be written.
proxy=$(mktemp -d)/proxy
socat "UNIX-LISTEN:$proxy,fork" SYSTEM:"echo from outside" &
until test -S "$proxy"; do sleep 0.1; done
bwrap --new-session --die-with-parent --unshare-net --unshare-pid --ro-bind / / \
    --bind "$PWD" "$PWD" --bind "$proxy" "$proxy" --dev /dev --proc /proc bash -c '
    socat TCP-LISTEN:3128,fork,reuseaddr "UNIX-CONNECT:$0" &
    until said=$(socat -u TCP:127.0.0.1:3128 - 2>/dev/null); do sleep 0.1; done
    echo "bridge: $said"
    echo "made inside" >inside && rg -q "made inside" inside || echo "no workspace"
    touch /etc/x 2>/dev/null || touch "$HOME/x" 2>/dev/null || touch /tmp/x 2>/dev/null || echo "no way out"
    kill $!' "$proxy"
kill $!

python3 calls.py
