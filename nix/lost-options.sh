# shellcheck shell=bash
# Usage: lost-options.sh FRAGMENT CONFIG, in the sources of a kernel. Kconfig drops without a word
# what depends on something that is off: such options of the fragment are named, and the status is
# 1. An option that this version of Linux does not have is told of, and no failure; qvm itself looks
# for those that it cannot do without.
set -euo pipefail

# Of two lines about an option the last one holds; what is not named is not set.
differing=$(awk '
    { name = value = "" }
    /^CONFIG_[A-Z0-9_a-z]+=/ { name = $0; sub(/=.*/, "", name); value = substr($0, length(name) + 2) }
    /^# CONFIG_[A-Z0-9_a-z]+ is not set$/ { name = $2; value = "n" }
    name == "" { next }
    FILENAME == ARGV[1] { wanted[name] = value; next }
    { found[name] = value }
    END {
        for (name in wanted) {
            have = name in found ? found[name] : "n"
            if (have != wanted[name]) print name " " wanted[name] " " have
        }
    }' "$1" "$2" | sort)

lost=0
while read -r name wanted found; do
    [ -n "$name" ] || continue
    if grep -rqE --include='Kconfig*' "^[[:space:]]*(menu)?config ${name#CONFIG_}[[:space:]]*$" .; then
        echo "error: $name should be $wanted and is $found" >&2
        lost=1
    else
        echo "note: this Linux has no $name" >&2
    fi
done <<<"$differing"
exit "$lost"
