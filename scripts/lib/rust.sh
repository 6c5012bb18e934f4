# shellcheck shell=bash
# A Rust tool chain that is new enough: the user's, or Debian's.

rust_oldest=1.85

# rust_new_enough PROGRAM: whether it is there and says a version that will do.
rust_new_enough() {
    local version
    version=$("$1" --version 2>/dev/null </dev/null) || return 1
    version_at_least "$(printf '%s' "$version" | awk '{ print $2 }')" "$rust_oldest"
}

# version_at_least VERSION OLDEST
version_at_least() {
    [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]
}

# Packages wanted beside Debian's tool chain, if that is the one.
rust_packages=()

# rust_setup: makes `cargo` and `rustc` usable, from Debian if need be.
rust_setup() {
    # Where rustup puts them, which a non-login shell may not know.
    [ -d "$HOME/.cargo/bin" ] && PATH=$PATH:$HOME/.cargo/bin
    if rust_new_enough cargo && rust_new_enough rustc; then
        return 0
    fi
    if version_at_least "$(apt_candidate cargo)" "$rust_oldest"; then
        apt_install cargo rustc "${rust_packages[@]}"
        # An older one earlier in the PATH would still hide it.
        rust_new_enough cargo || PATH=/usr/bin:$PATH
        rust_new_enough cargo && return 0
    fi
    # Debian 12's is too old for us: Debian 13's runs there with its own C library.
    rust_from_trixie && return 0
    die "cargo $rust_oldest or newer is needed: install it with rustup (rustup toolchain install stable)"
}

# rust_from_trixie: unpacks Debian 13's tool chain into the cache, and puts programs that start
# it with its own loader first in the PATH. What it builds is linked with this machine's linker.
rust_from_trixie() {
    local home=$cache/rust-trixie mirror
    if [ ! -x "$home/bin/cargo" ]; then
        apt_install mmdebstrap debian-archive-keyring uidmap gcc libc6-dev
        mirror=$(debian_mirror)
        [ -n "$mirror" ] || return 1
        say "unpacking Debian 13's Rust into $home (once)"
        rm -rf "$home.new"
        mkdir -p "$home.new/bin"
        mmdebstrap --quiet --variant=extract --include=cargo,rustc,rust-clippy,rustfmt \
            --aptopt='APT::Install-Recommends "false"' --dpkgopt='path-exclude=/usr/share/*' \
            --format=tar trixie - "deb $mirror trixie main" </dev/null |
            tar -x --no-same-owner -C "$home.new" ./usr/bin ./usr/lib ./usr/lib64 || return 1
        rust_wrappers "$home.new" "$home" || return 1
        rm -rf "$home"
        mv -- "$home.new" "$home"
    fi
    PATH=$home/bin:$PATH
    rust_new_enough cargo
}

# rust_wrappers DIRECTORY PLACE: writes the starters into DIRECTORY, which will be at PLACE.
rust_wrappers() {
    local directory=$1 place=$2 libraries program loader
    loader=$(cd "$directory" && echo usr/lib/*-linux-gnu/ld-linux-*.so.*)
    libraries=${loader%/*}
    [ -f "$directory/$loader" ] || return 1
    for program in cargo cargo-clippy cargo-fmt clippy-driver rustc rustdoc rustfmt; do
        {
            echo '#!/bin/sh'
            # Else cargo tells its helpers that the loader is cargo.
            printf 'export CARGO=%q\n' "$place/bin/cargo"
            printf 'exec %q --library-path %q --argv0 %q %q "$@"\n' \
                "$place/$loader" "$place/$libraries" "$program" "$place/usr/bin/$program"
        } >"$directory/bin/$program"
        chmod 755 "$directory/bin/$program"
    done
    # cargo-clippy looks for its driver beside itself, and takes the loader for itself.
    ln -s "$place/bin/clippy-driver" "$directory/$libraries/clippy-driver"
}
