# shellcheck shell=bash
# Stages lab and arm: cases on real KVM code, inside an emulated machine.

# minutes_left: of QVM_TEST_MINUTES.
minutes_left() {
    echo $((${QVM_TEST_MINUTES:-80} - (SECONDS - started) / 60))
}

# test_program PACKAGE NAME [CARGO-OPTION…]: builds the test program NAME of a package (`lib` for
# its unit tests); prints where it is.
test_program() {
    local package=$1 name=$2 select
    shift 2
    select=(--test "$name")
    [ "$name" != lib ] || select=(--lib)
    cargo test --locked "$@" -p "$package" "${select[@]}" --no-run --message-format json </dev/null |
        sed -n 's/^.*"profile":{[^}]*"test":true}.*"executable":"\([^"]*\)".*$/\1/p' | tail -n 1
}

# arm_beside: starts stage arm beside stage lab: an emulated machine keeps one processor busy.
arm_beside() {
    rm -f "$logs/arm.status"
    (
        set +e
        (
            set -euo pipefail
            cd "$root"
            ready_to_boot
            arm_stage
        )
        echo $? >"$logs/arm.status"
    ) </dev/null >"$logs/arm-beside.log" 2>&1 &
    arm_pid=$!
    trap 'kill "$arm_pid" 2>/dev/null || true' EXIT
}

# arm_beside_ends: what it printed, and its status.
arm_beside_ends() {
    tail --pid="$arm_pid" -n +1 -f "$logs/arm-beside.log"
    return "$(cat "$logs/arm.status")"
}

# lab_run NAME MINUTES [LAB-OPTION…] -- COMMAND…: a libtest program in an emulated machine, which is
# ended after so long. What an emulated machine that broke or did not finish has shown is counted:
# it is no verdict on the other cases, and not silent either. A case that had failed fails the stage.
lab_run() {
    local name=$1 minutes=$2 log=$logs/$1-machine.log status=0 options=()
    shift 2
    while [ "$1" != -- ]; do
        options+=("$1")
        shift
    done
    shift
    if [ "$minutes" -lt 4 ]; then
        echo "test result: not run. 0 passed; 0 failed; 1 ignored (no time was left)"
        echo "skipped: $name: no time was left for it; QVM_TEST_MINUTES sets how much there is"
        return 0
    fi
    local end=$((SECONDS + minutes * 60)) try broke
    for try in 1 2; do
        status=0
        broke=no
        QVM_LAB_CPUS=1 QVM_LAB_OPTIONS="--timeout ${minutes}m ${QVM_LAB_OPTIONS-}" \
            scripts/kvm-lab ${options[@]+"${options[@]}"} "$@" \
            2>&1 | tee "$log" || status=${PIPESTATUS[0]}
        if [ "$status" -ne 125 ] || ! grep -q "^qvm: the guest's kernel panicked" "$log"; then
            break
        fi
        broke=yes
        echo "$name: the emulated machine itself broke, try $try of 2"
        minutes=$(((end - SECONDS) / 60))
        [ "$minutes" -ge 4 ] || break
    done
    case $status$broke in
        124*) lab_unfinished "$name" "did not finish in $minutes minutes" "$log" ;;
        125yes) lab_unfinished "$name" "itself broke" "$log" ;;
        *) return "$status" ;;
    esac
}

# The kernel of an emulated machine was seen to panic under QEMU's emulation of nested guests.
# Nothing that qvm does in there can be to blame for that, so it is tried again, and said, and not a
# failure.
lab_unfinished() {
    local good bad
    good=$(grep -c '^test .* ok$' "$3" || true)
    bad=$(grep -c '^test .* FAILED$' "$3" || true)
    echo "test result: unfinished. $good passed; $bad failed; 1 ignored (the emulated machine $2)"
    echo "skipped: $1: the emulated machine $2 after $good cases; the last lines name the one it was at"
    [ "$bad" -eq 0 ]
}

# lab_stage: all cases but a few, on the processor of this machine.
lab_stage() {
    local program skips=() name reason
    program=$(test_program e2e e2e)
    while IFS=: read -r name reason; do
        echo "skipped: lab: $name:$reason"
        skips+=(--skip "$name")
    done <<'END'
cargo_builds_in_the_workspace: a compiler emulated twice over; stage e2e runs it
eight_machines_at_once: eight machines on two emulated processors; stage e2e runs it
exit_status_is_the_commands: seven boots; other cases check statuses here, stage e2e all
qvm_killed_at_any_time: seven boots; each_process_killed runs here
signals_reach_the_command: three boots; stage e2e runs it
ordinary: another user's copy of the image, hashed under emulation; stage e2e runs it
podman_of_the_guests_root: five containers emulated twice over; stage e2e runs it
bad_input: nothing is booted, the accelerator does not matter
END
    lab_run lab "$(at_most 22)" -- env QVM_E2E_ACCEL=kvm "QVM_E2E_QVM=$built/qvm" \
        "$program" --test-threads=1 "${skips[@]}"
}

# arm_stage: aarch64, and what only it can show. The other cases are the same code on either
# processor: stages e2e and lab run them.
arm_stage() {
    local program status=0 target=aarch64-unknown-linux-gnu
    # Builds for aarch64, and on a new machine its images, come first.
    if [ "$(minutes_left)" -lt 20 ]; then
        echo "test result: not run. 0 passed; 0 failed; 1 ignored (no time was left)"
        echo "skipped: arm: no time was left for it; QVM_TEST_MINUTES sets how much there is"
        return 0
    fi
    cross_linux aarch64
    program=$(RUSTFLAGS="${RUSTFLAGS:-} -C target-feature=+crt-static" \
        test_program e2e e2e ${build_std[@]+"${build_std[@]}"} --target "$target")
    local cases=(
        arguments_arrive_byte_for_byte environment_and_user canaries_are_out_of_reach
        a_read_only_workspace_stays_as_it_is a_dialogue a_shell_on_a_terminal
        file_semantics orderly_ends
    )
    local few=(environment_and_user canaries_are_out_of_reach)
    echo "skipped: arm: all cases but ${cases[*]}: the same code on either processor; stages e2e and lab run it"
    echo "skipped: arm-16k, arm-hvf-shim-16k: all cases but ${few[*]}: only the size of a page differs"
    arm_run arm 10 kvm aarch64 "" "${cases[@]}" || status=1
    arm_run arm-hvf-shim 10 hvf hvf-shim "--hvf-shim" "${cases[@]}" || status=1
    arm_run arm-16k 5 kvm aarch64 "--pages 16k" "${few[@]}" || status=1
    arm_run arm-hvf-shim-16k 5 hvf hvf-shim "--hvf-shim --pages 16k" "${few[@]}" || status=1
    return "$status"
}

# arm_run NAME MINUTES ACCELERATOR BUILD LAB-OPTIONS CASE…: for arm_stage, with its `program`.
arm_run() {
    local name=$1 minutes=$2 accel=$3 build=$4 options
    read -ra options <<<"--arch aarch64 $5"
    shift 5
    lab_run "$name" "$(at_most "$minutes")" "${options[@]}" -- \
        env "QVM_E2E_ACCEL=$accel" "QVM_E2E_QVM=$built/$build/qvm" "$program" --test-threads=1 "$@"
}

# at_most MINUTES: these, or what is left.
at_most() {
    local left
    left=$(minutes_left)
    [ "$left" -le "$1" ] || left=$1
    echo "$left"
}
