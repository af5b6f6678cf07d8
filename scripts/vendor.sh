#!/bin/sh
# Fetches the pinned browser libraries again with npm and refuses any that differs from its recorded sum.
set -eu

cd "$(dirname "$0")/.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# vendor NAME PACKAGE VERSION FILE SHA256
vendor() {
    echo "$1 $3"
    tarball=$(cd "$scratch" && npm pack --silent "$2@$3")
    mkdir -p "$scratch/$1"
    tar -xzf "$scratch/$tarball" -C "$scratch/$1" --strip-components=1
    echo "$5  $scratch/$1/$4" | sha256sum --check --quiet
    target="static/vendor/$1/$3"
    mkdir -p "$target"
    cp "$scratch/$1/$4" "$scratch/$1/LICENSE" "$target/"
}

vendor htmx htmx.org 2.0.11 dist/htmx.min.js d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717
