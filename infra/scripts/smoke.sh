#!/bin/sh
# A whole session against a service that runs: smoke.sh URL
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
if [ ! -x "$root/.venv/bin/python" ]; then
    echo "smoke.sh: there is no .venv; run \`make setup\` in $root" >&2
    exit 1
fi
PYTHONPATH=$root exec "$root/.venv/bin/python" -m infra.checks.smoke "$@"
