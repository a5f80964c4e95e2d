#!/bin/sh
# Compile requirements/dev.txt, requirements/docs.txt and Cargo.lock from pyproject.toml and the Cargo.toml files.
# Given arguments go to uv: scripts/lock.sh --upgrade-package fastapi
set -eu
cd "$(dirname "$0")/.."

tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
"${VENV:-.venv}/bin/python" -m venv "$tools"
"$tools/bin/pip" --disable-pip-version-check install --quiet 'uv>=0.8,<1'
"$tools/bin/uv" pip compile pyproject.toml --quiet --universal --python-version 3.11 \
    --extra cases --extra dev --extra parquet --extra profile --extra ray --extra wrk --generate-hashes --no-emit-index-url \
    --custom-compile-command "make lock" --output-file requirements/dev.txt "$@"
# Installed beside the others, so of one version with them.
"$tools/bin/uv" pip compile requirements/docs.in --quiet --universal --python-version 3.11 \
    --constraint requirements/dev.txt --generate-hashes --no-emit-index-url \
    --custom-compile-command "make lock" --output-file requirements/docs.txt "$@"
cargo update --workspace --quiet
