#!/bin/sh
# Compiles requirements*.in to exact versions with hashes, with uv in a folder of its own.
set -eu

cd "$(dirname "$0")/.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
.venv/bin/python -m venv "$scratch"
"$scratch/bin/python" -m pip install --quiet --disable-pip-version-check uv
for name in requirements requirements-dev; do
    "$scratch/bin/uv" pip compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links \
        --python-version 3.11 "$name.in" -o "$name.txt"
done
