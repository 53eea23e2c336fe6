#!/bin/sh
# module.sh SCRIPT MODULE ARGUMENTS...: runs the Python module behind a script of infra/scripts/.
# It keeps the working directory, so that relative file names in the arguments stay valid.
set -eu
script=$(basename "$1")
shift
root=$(cd "$(dirname "$0")/.." && pwd)
if [ ! -x "$root/.venv/bin/python" ]; then
    echo "$script: .venv is missing: run \`make setup\` in $root" >&2
    exit 1
fi
PYTHONPATH=$root exec "$root/.venv/bin/python" -m "$@"
