# shellcheck shell=bash
# Cargo's companions that Debian does not have: taken from the PATH, else built once from
# the crate registry into the cache.

# cargo_tool NAME [PROFILE]: makes `NAME` callable. Not optimized unless PROFILE is "release": what
# is used for seconds would take three times as long to build.
cargo_tool() {
    local name=$1 profile=${2:-dev} home=$cache/tools older
    PATH=$home/bin:$PATH
    have "$name" && return 0
    say "building $name (once; some minutes)"
    mkdir -p "$home"
    local install=(cargo install --locked --quiet --profile "$profile" --config "profile.dev.debug=false" --root "$home")
    if [ "$name" = rcodesign ]; then
        # The crate has another name, and talks to Apple's servers by default.
        install+=(--no-default-features)
        name=apple-codesign
    fi
    if "${install[@]}" "$name" </dev/null 2>"$home/$name.log"; then
        return 0
    fi
    # The newest wants a newer compiler; cargo names the one that does not.
    older=$(sed -n "s/^.*\`$name \([0-9.]*\)\` supports rustc.*\$/\1/p" "$home/$name.log" | head -n 1)
    if [ -n "$older" ] && "${install[@]}" --version "$older" "$name" </dev/null 2>>"$home/$name.log"; then
        return 0
    fi
    tail -n 20 "$home/$name.log" >&2
    say "$name cannot be built; the output is in $home/$name.log"
    return 1
}
