# shellcheck shell=bash
# The image cache in a lab's memory: what comes from the host's disk takes an amount of counted
# time that says nothing.

# cache_in_memory FOLDER: copies the lab's cache there and makes it the one that qvm uses.
cache_in_memory() {
    mkdir -p "$1"
    cp -r "$QVM_CACHE"/images "$1/"
    [[ ! -d $QVM_CACHE/kernels ]] || cp -r "$QVM_CACHE/kernels" "$1/"
    export QVM_CACHE=$1
    cache_is_known
}

# cache_is_known: spares a lab's first qvm to read and hash the whole cache, which takes an emulated
# processor minutes. It was done outside; what is known by a file's identity has to be told anew.
cache_is_known() {
    local entry new
    new=$(mktemp)
    for entry in "$QVM_CACHE"/images/* "$QVM_CACHE"/kernels/*; do
        [[ -d $entry ]] || continue
        known "$entry" >"$new"
        cp "$new" "$entry/verified.json"
    done
    rm "$new"
}

# known ENTRY: what qvm writes down when it has hashed all files of an entry.
known() {
    local file separator=
    printf '{"recipe":"%s","files":{' "${1##*/}"
    for file in "$1"/*; do
        [[ ${file##*/} != *.json ]] || continue
        printf '%s"%s":' "$separator" "${file##*/}"
        # Seconds and nanoseconds are two numbers, without leading zeros.
        stat -c '{"device":%d,"inode":%i,"size":%s,"modified":[%.9Y],"changed":[%.9Z]}' "$file" |
            sed -E 's/\[([0-9]+)\.0*([0-9]+)\]/[\1,\2]/g'
        separator=,
    done
    printf '}}'
}
