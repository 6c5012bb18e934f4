# shellcheck shell=bash
# Debian's packages: which are missing, and how to get them.

# is_installed PACKAGE
is_installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# apt_install PACKAGE…: installs those that are missing; says nothing if none is.
apt_install() {
    local package missing=() apt
    [ $# -gt 0 ] || return 0
    if ! have apt-get || ! have dpkg-query; then
        say "this is no Debian: install the equivalents of these yourself if anything is missing: $*"
        return 0
    fi
    for package in "$@"; do
        is_installed "$package" || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0

    apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=600)
    if [ "$(id -u)" -ne 0 ]; then
        if have sudo && sudo -n true </dev/null 2>/dev/null; then
            apt=(sudo -n "${apt[@]}")
        else
            die "packages are missing; run: sudo apt-get install --no-install-recommends ${missing[*]}"
        fi
    fi
    say "installing ${missing[*]}"
    apt_run "${apt[@]}" install -y --no-install-recommends "${missing[@]}" && return 0
    # The lists may be missing or old.
    apt_run "${apt[@]}" update || say "apt-get update failed; trying with the lists that are there"
    apt_run "${apt[@]}" install -y --no-install-recommends "${missing[@]}" && return 0
    tail -n 20 "$cache/apt.log" >&2
    die "apt-get cannot install ${missing[*]}; its output is in $cache/apt.log"
}

# apt_run COMMAND…: its output into a log; nobody's standard input is read.
apt_run() {
    mkdir -p "$cache"
    "$@" </dev/null >"$cache/apt.log" 2>&1
}

# apt_candidate PACKAGE: the version that apt would install; nothing if there is none.
apt_candidate() {
    have apt-cache || return 0
    LC_ALL=C apt-cache policy "$1" 2>/dev/null | sed -n 's/^ *Candidate: \([0-9].*\)$/\1/p'
}

# debian_mirror: the archive that this machine's apt takes Debian from, or QVM_DEBIAN_MIRROR;
# nothing if there is none.
debian_mirror() {
    local codename
    # shellcheck disable=SC2016 # the words in $() are apt's
    local format='$(REPO_URI) $(RELEASE) $(COMPONENT)'
    if [ -n "${QVM_DEBIAN_MIRROR:-}" ]; then
        printf '%s' "$QVM_DEBIAN_MIRROR"
        return 0
    fi
    codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
    apt-get indextargets --format "$format" 'Created-By: Packages' |
        awk -v release="$codename" '$2 == release && $3 == "main" && !found { printf "%s", $1; found = 1 }'
}
