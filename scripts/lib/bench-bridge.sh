# shellcheck shell=bash
# `scripts/bench bridge`. Nothing boots: a driver on this machine does what a guest's would.

# until_there SOCKET: waits for a server; fails when that takes long.
until_there() {
    local i
    for ((i = 0; i < 300; i++)); do
        [ ! -S "$1" ] || return 0
        sleep 0.1
    done
    return 1
}

# middle COLUMN FILE: the median of a column.
middle() { awk -v column="$1" '{ print $column }' "$2" | sort -n | awk '{ line[NR] = $0 } END { print line[int(NR / 2) + 1] }'; }

# bridge: the example programs of two crates, with what they need around them.
bridge() {
    local examples=${CARGO_TARGET_DIR:-$root/target}/release/examples
    "$root/scripts/setup" build model
    smollm2_setup
    rust_setup
    (cd "$root" && cargo build --quiet --release --locked -p host-bridge --example bench-bridge)
    (cd "$root" && cargo build --quiet --release --locked -p virtio-devices --example vsock-transfer)
    http_filter "$examples/bench-bridge"
    vsock "$examples/vsock-transfer"
}

# http_filter PROGRAM: the same requests straight to the server and through the filter.
http_filter() {
    local program=$1 straight through
    serve_smollm2 "$scratch/server.sock"
    "$program" tokens "$scratch/server.sock" 128 "$((runs * 2))" >"$scratch/tokens"
    stop_background
    "$program" events 1000 "$runs" >"$scratch/events"
    printf '\nA model through the bridge, %s runs in turns\n\n| what | straight | bridge |\n|---|---|---|\n' "$runs"
    # What else goes on here only slows a run down: the best is the least disturbed.
    straight=$(sort -n "$scratch/tokens" | awk 'END { print $1 }')
    through=$(sort -n -k 2 "$scratch/tokens" | awk 'END { print $2 }')
    printf '| tokens/s, SmolLM2-135M on one thread, best of %s | %s | %s |\n' "$((runs * 2))" "$straight" "$through"
    straight=$(middle 1 "$scratch/events")
    through=$(middle 2 "$scratch/events")
    printf '| µs that an event is under way, median | %s | %s |\n' "$straight" "$through"
    awk -v a="$straight" -v b="$through" 'BEGIN { printf "\nadded to an event: %.0f µs\n", b - a }'
    # Each run's rate as a share of what the server says it did meanwhile: load changes that little.
    straight=$(middle 3 "$scratch/tokens")
    through=$(middle 4 "$scratch/tokens")
    awk -v a="$straight" -v b="$through" 'BEGIN { printf "tokens/s lost on the way: %.2f %%\n", 100 * (1 - b / a) }'
}

# serve_smollm2 SOCKET: on one thread, so that the bridge has a processor.
serve_smollm2() {
    (llama_exec -m "$smollm2" --host "$1" -c 4096 -np 1 -t 1 --no-ui --offline >"$scratch/log" 2>&1) &
    background=$!
    until_there "$1" || die "bench: llama-server does not run: $(tail -n 1 "$scratch/log")"
    until curl -sf --unix-socket "$1" http://localhost/health >/dev/null; do
        kill -0 "$background" || die "bench: llama-server does not run: $(tail -n 1 "$scratch/log")"
        sleep 0.2
    done
}

# serve_peer SOCKET UDS
serve_peer() {
    rm -f "$1"
    # The same window as ours.
    vhost-device-vsock --guest-cid 3 --socket "$1" --uds-path "$2" --tx-buffer-size 262144 >"$scratch/log" 2>&1 &
    background=$!
    until_there "$1" || die "bench: vhost-device-vsock does not run: $(tail -n 1 "$scratch/log")"
}

# stop_background: ends what runs there.
stop_background() {
    kill "$background"
    wait "$background" || true
    background=
}

# vsock DRIVER: 1 GiB each way, in turns with the peer if its crate can be had.
vsock() {
    local driver=$1 way i peer=yes ours theirs
    cargo_tool vhost-device-vsock release || peer=no
    printf '\n1 GiB through the vsock device, MiB/s, medians of %s runs in turns\n\n' "$runs"
    printf '| way | qvm | vhost-device-vsock | ratio |\n|---|---|---|---|\n'
    for way in to-host to-guest; do
        for ((i = 0; i < runs; i++)); do
            ours=$("$driver" "$way" 1024)
            theirs=
            if [ "$peer" = yes ]; then
                serve_peer "$scratch/peer.sock" "$scratch/peer-uds"
                theirs=$("$driver" "$way" 1024 "$scratch/peer.sock" "$scratch/peer-uds")
                stop_background
            fi
            echo "$ours $theirs"
        done >"$scratch/$way"
        ours=$(middle 1 "$scratch/$way")
        theirs=$(middle 2 "$scratch/$way")
        printf '| %s | %s | %s | %s |\n' "$way" "$ours" "$theirs" "${theirs:+$(ratio "$ours" "$theirs")}"
    done
    [ "$peer" = yes ] || echo "skipped: vhost-device-vsock: its crate cannot be built here; the reason is in $cache/tools"
}
