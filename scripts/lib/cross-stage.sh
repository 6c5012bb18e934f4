# shellcheck shell=bash
# Stage cross: what can be known on this machine of the programs for others.

# cross_stage: its steps, each counted.
cross_stage() {
    local step good=0 bad=0 status
    for step in linux_clippy linux_build macos_check macos_clippy macos_link macos_sign; do
        set +e
        (
            set -euo pipefail
            "cross_$step"
        )
        status=$?
        set -e
        if [ "$status" -eq 0 ]; then
            good=$((good + 1))
            echo "test cross::$step ... ok"
        else
            bad=$((bad + 1))
            echo "test cross::$step ... FAILED"
        fi
    done
    echo "test result: $good passed; $bad failed; 0 ignored"
    [ "$bad" -eq 0 ]
}

# The other architecture than this machine's, for Linux.
cross_other() {
    case $(uname -m) in
        x86_64) echo aarch64 ;;
        *) echo x86_64 ;;
    esac
}

cross_linux_clippy() {
    local arch
    arch=$(cross_other)
    cross_linux "$arch"
    cross_cargo clippy "$arch-unknown-linux-gnu" --workspace --all-targets -- -D warnings
}

cross_linux_build() {
    local arch
    arch=$(cross_other)
    "$root/scripts/build" --arch "$arch"
    file_says "$built/$arch/qvm" "$arch"
    file_says "$built/$arch/guest-agent" "$arch"
}

# file_says FILE ARCH: whether it is a static ELF program for that processor.
file_says() {
    local machine
    machine=$(od -An -t u2 -j 18 -N 2 "$1" | tr -d ' ')
    case $2$machine in
        aarch64183 | x86_6462) ;;
        *)
            echo "$1 is a program for machine $machine, not for $2"
            return 1
            ;;
    esac
    if grep -qa '/ld-linux-' <(head -c 4096 "$1"); then
        echo "$1 is not static"
        return 1
    fi
}

cross_macos_check() {
    cross_std "$macos"
    cross_cargo check "$macos" --workspace --all-targets
}

cross_macos_clippy() {
    cross_std "$macos"
    cross_cargo clippy "$macos" --workspace --all-targets -- -D warnings
}

# Where the linked command is. The development profile: it is not for use.
cross_macos_qvm() {
    echo "${CARGO_TARGET_DIR:-$root/target}/$macos/debug/qvm"
}

cross_macos_link() {
    cross_std "$macos"
    cross_macos_linker
    cross_cargo build "$macos" -p qvm
    # One file that needs nothing but what every Mac has; on one older than qvm needs it must start,
    # to say so.
    python3 "$root/scripts/lib/mach-o" "$(cross_macos_qvm)"
}

cross_macos_sign() {
    local qvm told
    qvm=$(mktemp -d)/qvm
    cp "$(cross_macos_qvm)" "$qvm"
    "$root/scripts/sign" "$qvm"
    PATH=$cache/tools/bin:$PATH
    told=$(rcodesign print-signature-info "$qvm")
    rm -rf "${qvm%/*}"
    # Twice: as text, and in the binary form that newer systems read.
    grep -q 'com.apple.security.hypervisor' <<<"$told"
    grep -qi 'DerEntitlements\|DER entitlements' <<<"$told"
    grep -q 'ADHOC' <<<"$told"
}
