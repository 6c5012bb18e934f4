# shellcheck shell=bash
# Building for other systems than this one: aarch64 Linux, and macOS on Apple silicon.
#
# rustup brings the standard library of another target where it may download. Elsewhere cargo
# builds it (-Zbuild-std) from the source of the very same version, which Debian packages.

cross_home=$cache/cross
macos=aarch64-apple-darwin

# cross_std TARGET: makes the standard library of TARGET usable by cross_cargo.
cross_std() {
    local target=$1
    build_std=()
    std_installed "$target" && return 0
    if have rustup && rustup target add "$target" </dev/null >/dev/null 2>&1 && std_installed "$target"; then
        return 0
    fi
    std_source || return 1
    # Tests of the standard library's own workspace are why the variable is there; it spares a copy
    # of the tool chain.
    export RUSTC_BOOTSTRAP=1 __CARGO_TESTS_ONLY_SRC_ROOT=$std_source
    build_std=("-Zbuild-std=std,panic_abort")
}

std_installed() {
    compgen -G "$(rustc --print target-libdir --target "$1" 2>/dev/null)/libstd-*.rlib" >/dev/null
}

# std_source: finds the source of rustc's standard library, or gets it; into the variable.
std_source() {
    local version package
    version=$(rustc --version | awk '{ print $2 }')
    for std_source in "$(rustc --print sysroot)/lib/rustlib/src/rust/library" \
        "/usr/src/rustc-$version/library" "$cross_home/rust-src-$version/usr/src/rustc-$version/library"; do
        [ ! -f "$std_source/std/Cargo.toml" ] || return 0
    done
    local suites
    for suites in "trixie trixie-backports" "forky sid"; do
        # shellcheck disable=SC2086 # words
        foreign_apt source all $suites
        package=$(foreign apt-cache madison rust-src | awk -F' *[|] *' -v v="$version" 'index($2, v "+") == 1 || index($2, v "-") == 1 { print $2; exit }')
        [ -z "$package" ] || break
    done
    if [ -z "$package" ]; then
        say "there is no source of Rust $version's standard library: rustup component add rust-src"
        return 1
    fi
    say "unpacking the source of Rust's standard library (once)"
    foreign_unpack "rust-src=$package" "$cross_home/rust-src-$version"
}

# foreign_apt NAME ARCHITECTURE SUITE…: an apt of its own in the cache, with lists of these suites
# from this machine's mirror; this machine's apt knows nothing of it. For `foreign COMMAND`.
foreign_apt() {
    local home=$cross_home/apt-$1 architecture=$2 mirror suite
    shift 2
    [ "$architecture" != all ] || architecture=$(dpkg --print-architecture)
    export FOREIGN_APT=$home/conf
    mkdir -p "$home/state/lists/partial" "$home/cache/archives/partial"
    mirror=$(debian_mirror)
    [ -n "$mirror" ] || die "apt on this machine names no Debian archive: set QVM_DEBIAN_MIRROR"
    apt_install debian-archive-keyring
    : >"$home/state/status"
    for suite in "$@"; do
        echo "deb [arch=$architecture signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main"
    done >"$home/sources.list"
    cat >"$home/conf" <<END
APT::Architecture "$architecture";
APT::Architectures { "$architecture"; };
APT::Sandbox::User "root";
Dir::State "$home/state";
Dir::State::status "$home/state/status";
Dir::Cache "$home/cache";
Dir::Etc::SourceList "$home/sources.list";
Dir::Etc::SourceParts "/nonexistent";
END
    foreign apt-get -q update </dev/null >"$home/log" 2>&1 || {
        tail -n 5 "$home/log" >&2
        die "the package lists of $* cannot be fetched"
    }
}

foreign() {
    APT_CONFIG=$FOREIGN_APT "$@"
}

# foreign_unpack PACKAGE FOLDER: unpacks a package without installing it.
foreign_unpack() {
    local into=$2 work
    mkdir -p "$cross_home"
    work=$(mktemp -d "$cross_home/.unpack.XXXXXX")
    (cd "$work" && foreign apt-get -q download "$1" </dev/null >log 2>&1) || {
        tail -n 5 "$work/log" >&2
        rm -rf "$work"
        die "the package $1 cannot be fetched"
    }
    dpkg-deb -x "$work"/*.deb "$work/tree"
    rm -rf "$into"
    mv "$work/tree" "$into"
    rm -rf "$work"
}

# cross_cargo COMMAND TARGET ARGUMENT…
cross_cargo() {
    local command=$1 target=$2
    shift 2
    cargo "$command" ${build_std[@]+"${build_std[@]}"} --locked --target "$target" "$@" </dev/null
}

# cross_linux ARCH: what it takes to build programs for Linux on another processor.
cross_linux() {
    [ "$1" = "$(uname -m)" ] || "$root/scripts/setup" cross
    cross_std "$1-unknown-linux-gnu" || return 1
    export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
    export CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER=x86_64-linux-gnu-gcc
}

# cross_macos: what it takes to check programs for macOS.
cross_macos() {
    cross_std "$macos"
}

# cross_macos_linker: what it takes to link them: LLVM's linker, and stubs that name what macOS
# has. That of libSystem comes with a compiler that is made for this (ziglang); that of
# Hypervisor.framework is written from the declarations of applevisor-sys for the oldest macOS that
# has all that qvm uses, so that a newer function is an undefined symbol.
cross_macos_linker() {
    local sdk=$cross_home/macos-sdk frameworks linker name
    [ -f "$sdk/usr/lib/libSystem.tbd" ] || macos_system_stub "$sdk"
    for name in libc libm; do
        ln -sfn libSystem.tbd "$sdk/usr/lib/$name.tbd"
    done
    stub /usr/lib/libiconv.2.dylib _iconv _iconv_open _iconv_close >"$sdk/usr/lib/libiconv.tbd"
    frameworks=$sdk/System/Library/Frameworks
    mkdir -p "$frameworks/Hypervisor.framework"
    # shellcheck disable=SC2046 # words
    stub /System/Library/Frameworks/Hypervisor.framework/Versions/A/Hypervisor \
        $(hypervisor_symbols) >"$frameworks/Hypervisor.framework/Hypervisor.tbd"
    linker=$(rustc --print sysroot)/lib/rustlib/$(rustc -vV | sed -n 's/^host: //p')/bin/rust-lld
    if [ ! -x "$linker" ]; then
        have ld64.lld || apt_install lld
        linker=ld64.lld
    fi
    export SDKROOT=$sdk CARGO_TARGET_AARCH64_APPLE_DARWIN_LINKER=$linker
    export CARGO_TARGET_AARCH64_APPLE_DARWIN_RUSTFLAGS="-Clinker-flavor=ld64.lld -Clink-arg=-F$frameworks"
}

# macos_system_stub SDK
macos_system_stub() {
    local work
    apt_install python3 python3-pip
    say "fetching the names in macOS's system library (once, 100 MB)"
    mkdir -p "$cross_home"
    work=$(mktemp -d "$cross_home/.wheel.XXXXXX")
    python3 -m pip download --quiet --no-deps --only-binary :all: --dest "$work" ziglang </dev/null >&2 ||
        die "the package ziglang cannot be fetched"
    python3 -m zipfile -e "$work"/ziglang-*.whl "$work/tree"
    mkdir -p "$1/usr/lib"
    # Without an architecture that linkers do not know yet.
    tr '\n' '\t' <"$work/tree/ziglang/lib/libc/darwin/libSystem.tbd" |
        sed -E 's/,[ \t]*arm64e\.x1-[a-z]*//g' | tr '\t' '\n' >"$work/libSystem.tbd"
    mv "$work/libSystem.tbd" "$1/usr/lib/"
    rm -rf "$work"
}

# stub LIBRARY SYMBOL…: a library's text-based stub.
stub() {
    local library=$1 symbols
    shift
    symbols=$(printf '%s, ' "$@")
    printf '%s\n' '--- !tapi-tbd' 'tbd-version: 4' 'targets: [ arm64-macos ]' "install-name: '$library'" \
        'exports:' '  - targets: [ arm64-macos ]' "    symbols: [ ${symbols%, } ]" '...'
}

# hypervisor_symbols: the functions of Hypervisor.framework up to macOS 15.0.
hypervisor_symbols() {
    local source
    source=$(cargo metadata --locked --format-version 1 --filter-platform "$macos" </dev/null |
        sed -n 's/^.*"manifest_path":"\([^"]*applevisor-sys-[^"]*\)\/Cargo.toml".*$/\1/p')
    awk '
        /feature = "/ { newer = /macos-(15-[1-9]|1[6-9]|2[0-9])/ || /simd-nightly/ }
        match($0, /fn hv_[a-z0-9_]+/) { if (!newer) print "_" substr($0, RSTART + 3, RLENGTH - 3) }
        /^ *}$/ || /;$/ { newer = 0 }' "$source/src/lib.rs" | sort -u
}
