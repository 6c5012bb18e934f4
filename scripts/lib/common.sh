# shellcheck shell=bash
# For every script: where things are, and how they speak. All speech is on standard error;
# a script that cannot go on ends with status 125, as qvm does.

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd -P)
# shellcheck disable=SC2034
cache=${QVM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/qvm}
# shellcheck disable=SC2034
built=$root/target/qvm

say() {
    printf 'qvm: %s\n' "$*" >&2
}

die() {
    say "$*"
    exit 125
}

have() {
    command -v "$1" >/dev/null 2>&1
}
