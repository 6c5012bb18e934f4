# shellcheck shell=bash
# A llama-server: the user's, or Debian's, unpacked beside the system. Needs lib/apt.sh.
#
#   $cache/llama-server/VERSION   a root file system with little but /usr/bin/llama-server, its
#                                 libraries and its back ends for the processor; seen as / it runs
#   $cache/llama-server/current   a link to the one in use
#
# A newer one comes when that link is removed and `setup model` runs again.

# The suite that has llama.cpp. It rolls, so its packages are resolved when they are fetched.
llama_suite=forky
llama_home=$cache/llama-server

# llama_there: whether a llama-server is there, of whatever origin.
llama_there() {
    if [ -n "${QVM_LLAMA_SERVER:-}" ]; then
        [ -x "$QVM_LLAMA_SERVER" ] || die "QVM_LLAMA_SERVER=$QVM_LLAMA_SERVER is no program"
        return 0
    fi
    have llama-server || [ -x "$llama_home/current/usr/bin/llama-server" ]
}

# llama_setup: gets one if there is none.
llama_setup() {
    ! llama_there || return 0
    if ! have apt-get || ! have dpkg; then
        die "there is no llama-server: install llama.cpp, or name the program in QVM_LLAMA_SERVER"
    fi
    apt_install debian-archive-keyring
    # Those that wait for another to end find its work done.
    mkdir -p "$llama_home"
    exec {llama_lock}>"$llama_home/.lock"
    flock "$llama_lock"
    llama_there || llama_unpack
    exec {llama_lock}>&-
}

# llama_unpack: fetches the packages, checked against Debian's keys, and unpacks them.
llama_unpack() {
    local new=$llama_home/.new version
    say "unpacking Debian's llama-server into $llama_home (once; some 20 MB)"
    rm -rf "$new"
    mkdir -p "$new"
    llama_fetch "$new/apt"
    version=$(llama_version "$new/apt")
    llama_root "$new/root" "$new/apt"
    [ -x "$new/root/usr/bin/llama-server" ] || die "Debian's llama.cpp-tools $version has no usr/bin/llama-server"
    rm -rf "${llama_home:?}/$version"
    mv -- "$new/root" "$llama_home/$version"
    ln -s "$version" "$new/current"
    mv -T -- "$new/current" "$llama_home/current"
    rm -rf "$new"
}

# llama_fetch APT: the packages into APT/archives. An apt of its own that knows of no installed
# package, and has from this machine's only how to reach a mirror; it needs no privilege.
llama_fetch() {
    local private=$1 mirror
    mirror=$(debian_mirror)
    [ -n "$mirror" ] ||
        die "apt on this machine names no Debian archive: set QVM_DEBIAN_MIRROR, or QVM_LLAMA_SERVER to a llama-server"
    mkdir -p "$private/state/lists/partial" "$private/archives/partial"
    : >"$private/status"
    printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n' \
        "$mirror" "$llama_suite" >"$private/sources"
    apt-config dump | grep '^Acquire::' >"$private/conf"
    cat >>"$private/conf" <<END
Dir::Etc::main "/dev/null";
Dir::Etc::parts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::Etc::sourcelist "$private/sources";
Dir::Etc::sourceparts "/dev/null";
Dir::State "$private/state";
Dir::State::status "$private/status";
Dir::Cache "$private";
Dir::Log "$private";
APT::Update::Error-Mode "any";
APT::Install-Recommends "false";
END
    # A closed home is nothing that apt's own user could write to.
    [ "$(id -u)" -ne 0 ] || echo 'APT::Sandbox::User "root";' >>"$private/conf"
    llama_apt "$private" update || llama_failed "$private" "the lists of $mirror $llama_suite cannot be fetched"
    llama_apt "$private" install -y --download-only llama.cpp-tools ||
        llama_failed "$private" "$mirror $llama_suite does not give llama.cpp-tools"
}

# llama_apt APT ARGUMENT…
llama_apt() {
    local private=$1
    shift
    APT_CONFIG=$private/conf apt-get -q "$@" </dev/null >"$private/log" 2>&1
}

# llama_failed APT WHAT
llama_failed() {
    grep -E '^[EW]:' "$1/log" | head -n 3 >&2 || true
    rm -rf "$1"
    die "$2: check the network, set QVM_DEBIAN_MIRROR to a mirror that has it, or QVM_LLAMA_SERVER to a llama-server"
}

# llama_version APT: of the package fetched; without the epoch, whose colon parts paths.
llama_version() {
    local package=("$1"/archives/llama.cpp-tools_*.deb) version
    version=$(dpkg-deb -f "${package[0]}" Version)
    printf '%s' "${version##*:}"
}

# llama_root ROOT APT: unpacks all packages into ROOT, with what Debian's base-files would add,
# and without what the server does not need, above all other programs.
llama_root() {
    local top=$1 private=$2 directory package
    mkdir -p "$top"/{dev,proc,run,tmp,usr/{bin,lib,lib64,sbin}}
    for directory in bin lib lib64 sbin; do
        ln -s "usr/$directory" "$top/$directory"
    done
    for package in "$private"/archives/*.deb; do
        dpkg -x "$package" "$top"
    done
    find "$top/usr/bin" -mindepth 1 ! -name llama-server -delete
    rm -rf "${top:?}"/{etc,var,usr/{libexec,sbin,share}} "$top"/usr/lib/*/gconv
    mkdir "$top/usr/sbin"
    # The server may run as another user, whatever the umask was here.
    chmod -R a+rX,go-w "$top"
}

# llama_exec ARGUMENT…: becomes the server, without a sandbox: to be measured, not to be used. In a
# subshell.
llama_exec() {
    local top=$llama_home/current libraries=() loader=()
    if [ -n "${QVM_LLAMA_SERVER:-}" ] || [ ! -d "$top" ]; then
        exec "${QVM_LLAMA_SERVER:-llama-server}" "$@"
    fi
    # With its own C library; and it looks for its back ends in /usr/lib or where it is.
    libraries=("$top"/usr/lib/*-linux-gnu)
    loader=("${libraries[0]}"/ld-linux-*.so.*)
    cd "${libraries[0]}/ggml/backends0"
    exec "${loader[0]}" --library-path "${libraries[0]}:${libraries[0]}/llama" "$top/usr/bin/llama-server" "$@"
}
