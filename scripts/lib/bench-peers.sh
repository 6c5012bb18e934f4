# shellcheck shell=bash
# Monitors that measurements put beside qvm, and what they boot. For `scripts/bench`.

# boot_kernel: prints the path of the kernel that qvm boots: the microVM kernel if it was made, else
# the default image's own.
boot_kernel() {
    local folder
    folder=$(qvm image path microvm 2>/dev/null) || folder=$(qvm image path default)
    printf '%s/vmlinux' "$folder"
}

# peers: prints a folder below target/ with copies, since a lab's qvm runs nothing that lies in a
# folder it shares: this machine's QEMU with its libraries and firmware, Firecracker if
# FIRECRACKER names one, and a tiny initial RAM file system.
peers() {
    local folder=$root/target/lab/peers qemu file
    qemu=$(command -v qemu-system-x86_64)
    rm -rf "$folder"
    mkdir -p "$folder/lib" "$folder/firmware"
    cp "$qemu" "$folder/"
    for file in $(ldd "$qemu" | grep -o '/[^ ]*'); do
        cp -L "$file" "$folder/lib/"
    done
    for file in bios-microvm.bin qboot.rom linuxboot_dma.bin pvh.bin kvmvapic.bin; do
        cp -L "/usr/share/qemu/$file" "$folder/firmware/" 2>/dev/null ||
            cp -L "/usr/share/seabios/$file" "$folder/firmware/" 2>/dev/null || true
    done
    if [ -n "${FIRECRACKER-}" ]; then
        cp -- "$FIRECRACKER" "$folder/firecracker" || die "FIRECRACKER names no program: $FIRECRACKER"
        chmod 755 "$folder/firecracker"
    fi
    busybox_initrd "$folder" >"$folder/busybox.cpio"
    printf '%s' "$folder"
}

# busybox_initrd FOLDER: writes an archive of Debian's static busybox and an /init that resets the
# machine at once, or sleeps when it is told `idle`.
busybox_initrd() {
    local folder=$1 package=$root/target/lab/busybox
    if [ ! -x "$package/bin/busybox" ]; then
        mkdir -p "$package"
        (cd "$package" && apt-get -q download busybox-static) >/dev/null 2>&1 ||
            die "apt-get cannot download busybox-static, which the peers boot"
        dpkg-deb -x "$package"/*.deb "$package"
    fi
    # The kernel hands what follows `--` on its line to /init.
    # shellcheck disable=SC2016 # it is the guest's shell that expands this
    printf '#!/busybox sh\n[ "$1" = idle ] || exec /busybox reboot -f\necho up\nexec /busybox sleep 3600\n' >"$folder/init"
    archive_entry 040755 dev
    archive_entry 100755 busybox "$package/bin/busybox"
    archive_entry 100755 init "$folder/init"
    archive_entry 0 'TRAILER!!!'
}

# archive_entry MODE NAME [FILE]: one entry of a cpio archive as the kernel takes it.
archive_entry() {
    local size=0
    [ $# -lt 3 ] || size=$(stat -Lc %s "$3")
    # Magic, inode, mode, user, group, links, time, size, two devices, length of the name, no sum.
    printf '070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X' \
        0 "$((8#$1))" 0 0 1 0 "$size" 0 0 0 0 "$((${#2} + 1))" 0
    printf '%s\0' "$2"
    padding "$((110 + ${#2} + 1))"
    [ $# -lt 3 ] || cat "$3"
    padding "$size"
}

# padding BYTES: zeros up to the next multiple of four.
padding() { head -c "$(((4 - $1 % 4) % 4))" /dev/zero; }
