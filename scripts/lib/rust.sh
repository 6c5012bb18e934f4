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
    die "cargo $rust_oldest or newer is needed: install it with rustup (rustup toolchain install stable)"
}
