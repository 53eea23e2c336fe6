#!/bin/sh
# module.sh SCRIPT MODULE ARGUMENTS...: what each of infra/scripts/ comes down to. It leaves the
# folder as it is, so that names of files are those of who called.
set -eu
script=$(basename "$1")
shift
root=$(cd "$(dirname "$0")/.." && pwd)
if [ ! -x "$root/.venv/bin/python" ]; then
    echo "$script: there is no .venv; run \`make setup\` in $root" >&2
    exit 1
fi
PYTHONPATH=$root exec "$root/.venv/bin/python" -m "$@"
