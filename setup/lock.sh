#!/bin/sh
# Writes requirements/*.lock anew from requirements/*.in: every package, direct or not, with its
# version and the hashes of all its files, and no address. One set serves Python 3.11 and 3.12.
#
# usage: setup/lock.sh [--upgrade]      keeps the versions already locked unless told otherwise
set -eu
cd "$(dirname "$0")/../requirements"

UV_VERSION=0.13.9
PYTHONS="3.11 3.12"
PLATFORM=x86_64-manylinux_2_28
LAYERS="bootstrap build ros robot learn dev bench"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM

resolver() { # the uv on PATH if it is the right one, else our own copy
    if [ "$(uv --version 2>/dev/null | cut -d' ' -f2)" != "$UV_VERSION" ]; then
        "${MTOPT_PYTHON:-python3}" -m venv "$work/venv"
        "$work/venv/bin/pip" install --quiet "uv==$UV_VERSION"
        PATH="$work/venv/bin:$PATH"
    fi
}

resolve() { # LAYER PYTHON OUTPUT [OPTION...]
    layer=$1 python=$2 output=$3
    shift 3
    uv pip compile --quiet --no-annotate --no-header --no-emit-index-url --generate-hashes \
        --python-version "$python" --python-platform "$PLATFORM" \
        "$@" "$layer.in" --output-file "$output"
}

resolver
for layer in $LAYERS; do
    # Python 3.11 leads: where a package is needed on one version alone, 3.11 needs it too, ...
    resolve "$layer" "${PYTHONS%% *}" "$layer.lock" "$@"
    for python in $PYTHONS; do
        # ... which this makes sure of: no version of Python may ask for anything else.
        resolve "$layer" "$python" "$work/$layer-$python" --constraint "$layer.lock"
        grep -v -x -F -f "$layer.lock" "$work/$layer-$python" >"$work/extra" || continue
        echo "requirements/$layer.in: Python $python needs what is not in the lock:" >&2
        cat "$work/extra" >&2
        exit 1
    done
    echo "requirements/$layer.lock: $(grep -c '==' "$layer.lock") packages"
done
