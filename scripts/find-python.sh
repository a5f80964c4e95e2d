#!/bin/sh
# Print the newest Python on PATH that can carry Syncline: 3.11 or newer, CPython with a GIL,
# able to make a virtual environment. PYTHON=/path/to/python overrides the search.
set -u

# A name on PATH may be a shim that refuses to run, so each candidate is asked, not trusted.
suits='
import sys, sysconfig
ok = sys.version_info >= (3, 11) and sys.implementation.name == "cpython"
sys.exit(not ok or bool(sysconfig.get_config_var("Py_GIL_DISABLED")))
'
seen_without_venv=
for name in ${PYTHON:-python3.14 python3.13 python3.12 python3.11 python3}; do
    path=$(command -v "$name" 2>/dev/null) || continue
    "$path" -c "$suits" 2>/dev/null || continue
    if "$path" -c 'import ensurepip, venv' 2>/dev/null; then
        "$path" -c 'import sys; print(sys.executable)'
        exit 0
    fi
    seen_without_venv=${seen_without_venv:-$("$path" -c 'import sys; print("%d.%d" % sys.version_info[:2])')}
done

if [ -n "$seen_without_venv" ]; then
    echo "Python $seen_without_venv is here but cannot make a virtual environment (no ensurepip);" \
        "on Debian and Ubuntu: apt-get install python$seen_without_venv-venv, then run make again." >&2
elif [ -n "${PYTHON:-}" ]; then
    echo "PYTHON=$PYTHON is not a CPython 3.11 or newer with a GIL." >&2
else
    echo "No Python 3.11 or newer was found on PATH; install one, or name it: make PYTHON=/path/to/python3 …" >&2
fi
exit 1
