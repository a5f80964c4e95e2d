#!/bin/sh
# Say in one sentence each what the build lacks, before anything is built.
set -u
status=0

if ! cargo --version >/dev/null 2>&1; then
    echo "Rust is needed to build the load engine and cargo was not found; install Rust 1.83 or newer" \
        "with rustup or your distribution's packages, then run make again." >&2
    status=1
fi
if ! command -v cc >/dev/null 2>&1; then
    echo "A C compiler is needed to link the load engine and cc was not found; on Debian and Ubuntu:" \
        "apt-get install build-essential." >&2
    status=1
fi
exit $status
