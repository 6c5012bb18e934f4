# What only the root of a machine may do. In the workspace, with calls.py.

# check NAME CMD…: prints NAME if CMD succeeds, else what it said.
check() {
    name=$1
    shift
    if said=$("$@" 2>&1); then echo "$name"; else echo "$name FAILED: $said"; fi
}

check "tmpfs" mount -t tmpfs none /mnt
check "loop device" sh -ec 'truncate -s 1M /tmp/disk; d=$(losetup -f --show /tmp/disk)
    test "$(blockdev --getsize64 "$d")" = 1048576; losetup -d "$d"'
check "bpf" python3 calls.py bpf
check "raw socket" python3 -c 'import socket; socket.socket(17, 3)'
check "control groups" sh -ec 'cd /sys/fs/cgroup; mkdir mine; echo 10 >mine/pids.max
    grep -q cpu mine/cgroup.controllers; rmdir mine'
check "kernel settings" sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
