# shellcheck shell=bash
# What of flake.nix and nix/ can be found out on a machine that cannot build it: the image is put
# together from a closure made by hand, and with QVM_NIXPKGS, a nixpkgs tree, all is evaluated,
# without any network. Results are counted as those of a test program are.

nix_passed=0
nix_failed=0
nix_ignored=0
# A store of its own, in which nothing is ever built, and Nix's other files.
nix_home=$root/target/nix

# nix_result NAME [COMPLAINT]: one line for one test.
nix_result() {
    if [ -z "${2:-}" ]; then
        nix_passed=$((nix_passed + 1))
        echo "test $1 ... ok"
    else
        nix_failed=$((nix_failed + 1))
        printf 'test %s ... FAILED: %s\n' "$1" "$2"
    fi
}

# nix_same NAME WANTED FOUND
nix_same() {
    local complaint=
    [ "$2" = "$3" ] || complaint="wanted \"$2\", found \"$3\""
    nix_result "$1" "$complaint"
}

# nix_stage: all of it.
nix_stage() {
    local complaint=ok
    nix_options
    nix_image
    if [ -z "${QVM_NIXPKGS:-}" ]; then
        nix_ignored=1
        echo "skipped: nix: QVM_NIXPKGS names no nixpkgs tree, so nothing was evaluated"
    elif [ ! -f "$QVM_NIXPKGS/flake.nix" ] || [ ! -d "$QVM_NIXPKGS/nixos" ]; then
        nix_result nixpkgs "QVM_NIXPKGS=$QVM_NIXPKGS is no nixpkgs tree: it has no flake.nix or no nixos/"
    else
        "$root/scripts/setup" nix
        nix_evaluate "$(cd -- "$QVM_NIXPKGS" && pwd -P)"
    fi
    [ "$nix_failed" -eq 0 ] || complaint=FAILED
    echo "test result: $complaint. $nix_passed passed; $nix_failed failed; $nix_ignored ignored"
    [ "$nix_failed" -eq 0 ]
}

# nix_run ARGUMENT…: Nix, as if it had just been installed.
nix_run() {
    # What is evaluated is soon stale, so none of it is worth waiting for the disk.
    XDG_CACHE_HOME=$nix_home/cache NIX_CONFIG='experimental-features = nix-command flakes
build-users-group =
substituters =
build-hook =
fsync-metadata = false' nix --store "$nix_home/store" "$@" --offline
}

# nix_evaluate NIXPKGS: every check by itself, then the flake as a user's Nix sees it.
nix_evaluate() {
    local nixpkgs=$1 file check expression lines line log=$nix_home/log copy=$nix_home/flake all=()
    nix --version
    mkdir -p "$nix_home/cache"
    for file in "$root"/nix/checks/*.nix; do
        check=$(basename "$file" .nix)
        case $check in default | tools) continue ;; esac
        # Lines "NAME<tab>COMPLAINT". To evaluate for a system it need not be this one.
        expression="
            let
              nixpkgs = { outPath = $nixpkgs; } // (import $nixpkgs/flake.nix).outputs { self = nixpkgs; };
              self = { outPath = \"$root\"; } // import $root/nix { inherit self nixpkgs; };
              results = self.checks.x86_64-linux.$check.results;
              clean = text: builtins.replaceStrings [ \"\n\" ] [ \" \" ] (builtins.unsafeDiscardStringContext text);
              line = name: name + \"\t\" + (if results.\${name} == null then \"\" else clean results.\${name}) + \"\n\";
            in builtins.concatStringsSep \"\" (map line (builtins.attrNames results))"
        if ! lines=$(nix_run eval --read-only --impure --raw --expr "$expression" 2>"$log"); then
            nix_result "$check" "it cannot be evaluated: $(tail -n 20 "$log")"
            continue
        fi
        [ -n "$lines" ] || nix_result "$check" "it has no results"
        while IFS= read -r line; do
            [ -z "$line" ] || nix_result "$check: ${line%%$'\t'*}" "${line#*$'\t'}"
        done <<<"$lines"
    done

    # Only what Git would have: a flake in a folder is copied with all that lies there.
    rm -rf "$copy"
    mkdir -p "$copy"
    tar -C "$root" -c --exclude-vcs --exclude=target . | tar -x -C "$copy"
    # Older ones look at every system unasked.
    if nix_run flake check --help 2>/dev/null | grep -q -e --all-systems; then
        all=(--all-systems)
    fi
    if nix_run flake check "path:$copy" --no-build "${all[@]}" --no-write-lock-file \
        --override-input nixpkgs "path:$nixpkgs" >"$log" 2>&1; then
        nix_result "flake check"
    else
        nix_result "flake check" "it fails: $(tail -n 20 "$log")"
    fi
}

# nix_options: nix/lost-options.sh in sources that have two options.
nix_options() {
    local folder
    folder=$(mktemp -d)
    printf 'config KEPT\n\tbool\nmenuconfig LOST\n\tbool\n' >"$folder/Kconfig"
    printf 'CONFIG_KEPT=n\nCONFIG_KEPT=y\n# CONFIG_LOST is not set\nCONFIG_TEXT="a b"\n' >"$folder/good"
    printf 'CONFIG_KEPT=y\nCONFIG_TEXT="a b"\n' >"$folder/config"
    nix_same "kernel: options that held" 0 "$(cd "$folder" && bash "$root/nix/lost-options.sh" good config 2>&1; echo $?)"
    echo CONFIG_LOST=y >>"$folder/good"
    nix_same "kernel: one that did not is named" $'error: CONFIG_LOST should be y and is n\n1' \
        "$(cd "$folder" && bash "$root/nix/lost-options.sh" good config 2>&1; echo $?)"
    printf 'CONFIG_NEW=y\n' >"$folder/good"
    nix_same "kernel: one of another version is told of" $'note: this Linux has no CONFIG_NEW\n0' \
        "$(cd "$folder" && bash "$root/nix/lost-options.sh" good config 2>&1; echo $?)"
    rm -rf "$folder"
}

# nix_image: nix/build-image.sh on a closure made by hand, run by somebody who is not root.
nix_image() {
    local folder inside run=() status=0
    folder=$(mktemp -d)
    inside=$folder/out
    nix_closure "$folder"
    if [ "$(id -u)" -eq 0 ]; then
        chown -R 65534:65534 "$folder"
        run=(setpriv --reuid 65534 --regid 65534 --clear-groups)
    fi
    "${run[@]}" bash "$folder/run" "$folder" out >"$folder/log" 2>&1 || status=$?
    nix_same "image: it is made" 0 "$status"
    if [ "$status" -ne 0 ]; then
        cat "$folder/log"
        rm -rf "$folder"
        return 0
    fi
    "${run[@]}" bash "$folder/run" "$folder" again >>"$folder/log" 2>&1 || status=$?
    nix_same "image: twice the same" 0 "$(cmp "$inside/root.erofs" "$folder/again/root.erofs" >/dev/null 2>&1; echo $?)"

    local digest
    read -r digest _ < <(sha256sum "$inside/root.erofs")
    nix_same "image: the manifest is what qvm reads" '{
  "format": 1,
  "recipe": "'"$(printf '%064d' 7)"'",
  "arch": "x86_64",
  "packages": [{"name":"a","version":"1"}],
  "files": {
    "root.erofs": { "size": '"$(stat -c %s "$inside/root.erofs")"', "sha256": "'"$digest"'" }
  }
}' "$(cat "$inside/manifest.json")"
    nix_same "image: nothing else is put out" "manifest.json root.erofs" "$(cd "$inside" && echo *)"

    fsck.erofs --extract="$folder/tree" "$inside/root.erofs" >"$folder/log" 2>&1 || cat "$folder/log"
    nix_same "image: the closure is the store, and all of it" "aaa-system bbb-bash" "$(cd "$folder/tree/nix/store" && echo *)"
    nix_same "image: a store that its user can add to" 1777 "$(nix_mode "$inside/root.erofs" /nix/store)"
    nix_same "image: links of the system" "/store/bbb-bash/bin/sh /store/bbb-bash/bin/ld" \
        "$(readlink "$folder/tree/bin/sh") $(readlink "$folder/tree/lib64/ld-linux-x86-64.so.2")"
    nix_same "image: no /bin/bash" sh "$(cd "$folder/tree/bin" && echo *)"
    nix_same "image: guest.json" '{"path":"/x"}' "$(cat "$folder/tree/etc/qvm/guest.json")"
    nix_same "image: entries of /etc are links" "$folder/source/file" "$(readlink "$folder/tree/etc/plain")"
    nix_same "image: or files with a mode and an owner" "440 0 100 content" \
        "$(nix_mode "$inside/root.erofs" /etc/owned) $(nix_owner "$inside/root.erofs" /etc/owned) $(cat "$folder/tree/etc/owned")"
    nix_same "image: or copies of links" /proc/mounts "$(readlink "$folder/tree/etc/direct")"
    nix_same "image: no trace of how they were described" "" "$(cd "$folder/tree/etc" && find . -name '*.mode' -o -name '*.?id')"
    nix_same "image: databases" "root:x:0:0::/root:/bin/sh" "$(cat "$folder/tree/etc/passwd")"
    nix_same "image: wrappers are set-user-id root" "4755 0 0" \
        "$(nix_mode "$inside/root.erofs" /usr/libexec/wrappers/bin/newuidmap) $(nix_owner "$inside/root.erofs" /usr/libexec/wrappers/bin/newuidmap)"
    nix_same "image: places to mount on" "dev proc run sys tmp" "$(cd "$folder/tree" && echo dev proc run sys tm[p])"

    # A second time with an owner who does not exist.
    echo nobody-we-know >"$folder/etc-user"
    chmod u+w "$folder/etc"
    cp -f "$folder/etc-user" "$folder/etc/owned.uid"
    "${run[@]}" bash "$folder/run" "$folder" refused >"$folder/log" 2>&1 && status=0 || status=$?
    nix_same "image: an unknown owner is named" "1 error: no nobody-we-know in etc/passwd, which an entry of environment.etc names" \
        "$status $(cat "$folder/log")"
    chmod -R u+w "$folder"
    rm -rf "$folder"
}

# nix_closure FOLDER: what nix/image.nix would give to the builder.
nix_closure() {
    local folder=$1 store=$1/store
    mkdir -p "$store/aaa-system/sw/bin" "$store/bbb-bash/bin" "$store/ccc-unrelated" \
        "$folder/source" "$folder/etc" "$folder/databases"
    chmod 755 "$folder"
    echo program >"$store/aaa-system/sw/bin/program"
    echo shell >"$store/bbb-bash/bin/sh"
    printf '%s\n' "$store/aaa-system" "$store/bbb-bash" >"$folder/closure"
    echo content >"$folder/source/file"
    ln -s /proc/mounts "$folder/source/link"
    ln -s "$folder/source/file" "$folder/etc/plain"
    ln -s "$folder/source/file" "$folder/etc/owned"
    ln -s "$folder/source/link" "$folder/etc/direct"
    echo 0440 >"$folder/etc/owned.mode"
    echo direct-symlink >"$folder/etc/direct.mode"
    echo +0 | tee "$folder/etc/owned.uid" "$folder/etc/direct.uid" >"$folder/etc/direct.gid"
    echo users >"$folder/etc/owned.gid"
    echo root:x:0:0::/root:/bin/sh >"$folder/databases/passwd"
    printf 'root:x:0:\nusers:x:100:\n' >"$folder/databases/group"
    echo 'root:!:1::::::' >"$folder/databases/shadow"
    echo '{"path":"/x"}' >"$folder/guest.json"
    cp "$root/nix/build-image.sh" "$folder/build-image.sh"
    # A store is read-only.
    chmod -R a-w "$store" "$folder/etc"
    cat >"$folder/run" <<'END'
set -eu
folder=$1
mkdir "$folder/build-$2"
cd "$folder/build-$2"
export out=$folder/$2 closure=$folder/closure registration="" etc=$folder/etc \
    databases=$folder/databases guest=$folder/guest.json kernel="" release="" arch=x86_64 \
    recipe="$(printf '%064d' 7)" packages='[{"name":"a","version":"1"}]' compression=lz4 \
    links="/bin/sh /store/bbb-bash/bin/sh
/lib64/ld-linux-x86-64.so.2 /store/bbb-bash/bin/ld
" setuid="newuidmap $folder/store/bbb-bash/bin/sh
"
exec fakeroot bash "$folder/build-image.sh"
END
}

# nix_mode IMAGE PATH: in octal, with all its bits, from the inode itself: dump.erofs and
# fsck.erofs leave out the upper ones.
nix_mode() {
    local node start
    node=$(dump.erofs --path="$2" "$1" | sed -n 's/^NID: \([0-9]*\).*$/\1/p')
    # Where the inodes begin, in blocks of 4096 bytes: 40 bytes into the superblock at 1024.
    start=$(od -An -tu4 -j $((1024 + 40)) -N 4 "$1")
    printf '%o' $(($(od -An -tu2 -j $((start * 4096 + node * 32 + 4)) -N 2 "$1") & 4095))
}

# nix_owner IMAGE PATH: "UID GID".
nix_owner() {
    dump.erofs --path="$2" "$1" | sed -n 's/^Uid: *\([0-9]*\) *Gid: *\([0-9]*\).*$/\1 \2/p'
}
